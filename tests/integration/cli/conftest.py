from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.settings import Settings, load_settings

#: Nobody listens on the discard port of this machine.
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def empty_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker of the test's own: the topics have fixed names, and these tests begin with none."""
    with EmbeddedBroker(None, tmp_path / "logs") as running:
        yield running


@pytest.fixture
def settings(
    empty_broker: EmbeddedBroker, clickhouse: EmbeddedClickHouse, database: str, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of a deployment without topics and tables, also in the environment for the commands to read."""
    monkeypatch.setenv("RETENTION_KAFKA_BOOTSTRAP", empty_broker.bootstrap)
    monkeypatch.setenv("RETENTION_CLICKHOUSE_URL", clickhouse.url)
    monkeypatch.setenv("RETENTION_CLICKHOUSE_DATABASE", database)
    monkeypatch.setenv("RETENTION_SESSION_TIMEOUT_S", "6")
    return load_settings()


@pytest.fixture
def migrated(settings: Settings) -> Settings:
    """Settings of a deployment with topics and tables, and nothing in them."""
    from deploy.migrating import migrate_all

    migrate_all(settings)
    return settings
