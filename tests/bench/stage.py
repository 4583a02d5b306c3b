"""The services that the contenders of a scenario share: an embedded broker and an embedded ClickHouse, both new."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from deploy.connection import clickhouse_client
from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.migrating import migrate_all
from deploy.settings import Settings
from sinks.client import Client
from tests.bench.processes import wait_until_quiet

__all__ = ["PARTITIONS", "ROOT", "Stage", "new_stage"]

ROOT: Final = Path(__file__).resolve().parents[2]
PARTITIONS: Final = 4

_MOST_WAIT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the contenders run.

    Attributes:
        settings: the deployment; its topics and tables exist.
        services: process ids of the broker and of ClickHouse.
        folder: for logs and for what contenders keep.
        peers: the Python that has the peers' libraries.
        client: a connection to the database.
    """

    settings: Settings
    services: tuple[int, int]
    folder: Path
    peers: Path
    client: Client

    def settle(self) -> None:
        """Wait until the services have finished what the last contender left them, such as merges."""
        wait_until_quiet(self.services, _MOST_WAIT_S)


@contextmanager
def new_stage(peers: Path) -> Iterator[Stage]:
    """A stage in a temporary folder, gone with everything in it at the end."""
    with (
        TemporaryDirectory(prefix="retention-bench-") as name,
        EmbeddedBroker(None, Path(name)) as broker,
        EmbeddedClickHouse(Path(name) / "data", None, Path(name)) as clickhouse,
    ):
        settings = Settings(
            kafka_bootstrap=broker.bootstrap,
            clickhouse_url=clickhouse.url,
            partitions=PARTITIONS,
            session_timeout_s=8,
        )
        migrate_all(settings)
        with clickhouse_client(settings) as client:
            yield Stage(settings, (broker.pid, clickhouse.pid), Path(name), peers, client)
