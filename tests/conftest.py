"""The services that tests run against, started once a process; the rule that unit tests need none; who runs what."""

import os
import signal
import socket
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import pytest
from hypothesis import settings

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.ports import reserve_port

_TESTS = Path(__file__).parent
_UNIT = _TESTS / "unit"
#: Each of their tests has services of its own and mostly waits: they are spread, and begin first.
_SPREAD = (_TESTS / "e2e", _TESTS / "faults")
#: Their tests share what takes seconds to make.
_TOGETHER = (_TESTS / "unit" / "traffic",)
#: ``same`` lets hypothesis draw the same examples in every run.
_EXAMPLES = "RETENTION_TEST_EXAMPLES"


# How long an example takes is no property of the code.
settings.register_profile("without deadlines", deadline=None)
# New examples each time find what nobody has thought of. Whether a change is taken must not hang on their luck.
settings.register_profile("the same examples", settings.get_profile("without deadlines"), derandomize=True)
settings.load_profile("the same examples" if os.environ.get(_EXAMPLES) == "same" else "without deadlines")


def pytest_configure() -> None:
    """A shell lets what it starts in the background ignore Ctrl-C, and so would every process that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # So does nohup with a hang-up.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of processes that test beside each other, one runs a whole file, so that it makes the file's fixtures once."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    items.sort(key=lambda item: not _is_in(item.path, _SPREAD))
    for item in items:
        if not _is_in(item.path, _SPREAD):
            together = next((folder for folder in _TOGETHER if folder in item.path.parents), item.path)
            item.add_marker(pytest.mark.xdist_group(str(together.relative_to(_TESTS))))


def _is_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(folder in path.parents for folder in folders)


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
    with EmbeddedBroker(reserve_port(), tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedClickHouse]:
    """ClickHouse for all tests: work in ``database``, which is yours alone."""
    with EmbeddedClickHouse(tmp_path_factory.mktemp("clickhouse"), reserve_port()) as running:
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
