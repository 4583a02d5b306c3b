"""The services that tests run against, started once a session; and the rule that unit tests need none."""

import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse

_UNIT = Path(__file__).parent / "unit"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A unit test that opens a network socket fails: it belongs in tests/integration."""
    if _UNIT not in item.path.parents:
        return (yield)
    allowed = socket.socket.__init__

    def guarded(
        self: socket.socket, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        # A pair of local sockets, which every event loop has, comes with its file numbers.
        if family in (-1, socket.AF_INET, socket.AF_INET6) and fileno is None:
            raise RuntimeError("a unit test opened a network socket: move it to tests/integration")
        allowed(self, family, type, proto, fileno)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "__init__", guarded)
        return (yield)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """A Kafka broker for all tests: give your topics and groups names of their own."""
    with EmbeddedBroker(None, tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedClickHouse]:
    """ClickHouse for all tests: work in ``database``, which is yours alone."""
    with EmbeddedClickHouse(tmp_path_factory.mktemp("clickhouse")) as running:
        yield running


@pytest.fixture
def database(clickhouse: EmbeddedClickHouse) -> Iterator[str]:
    """The name of a database of this test's own; it exists, is empty, and is dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    _execute(clickhouse, f"CREATE DATABASE {name}")
    yield name
    _execute(clickhouse, f"DROP DATABASE IF EXISTS {name} SYNC")


def _execute(clickhouse: EmbeddedClickHouse, sql: str) -> None:
    with urlopen(clickhouse.url, data=sql.encode()) as answer:
        answer.read()
