"""One contender working once through the topic: how it is started, how far it is, what it used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from deploy.embedded.ports import choose_port
from schemas.topics import EVENTS
from tests.bench.launching import Launched
from tests.bench.stage import PARTITIONS, Stage

__all__ = ["Attempt", "ProgramAttempt", "Reading", "free_ports"]


class Reading(NamedTuple):
    """Events done, the monotonic time at which so many were done, and CPU seconds by then."""

    done: int
    at: float
    cpu: float


class Attempt(Protocol):
    """A context manager: it runs while the context lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def reading(self) -> Reading | None:
        """How far it is; None until all its processes are ready. Raises ContenderFailed when one has ended."""

    def peak_mib(self) -> float:
        """The most memory it has held."""

    def extras(self) -> Mapping[str, float]:
        """What else is worth measuring when everything is done, by name."""


def free_ports(count: int) -> list[int]:
    """``count`` different ports that are free now."""
    found: list[int] = []
    while len(found) < count:
        port = choose_port(None, explicit=False, flag="", host="127.0.0.1")
        if port not in found:
            found.append(port)
    return found


class ProgramAttempt:
    """A program of ``tests.bench.contenders`` in one process or several. Done is what they print."""

    def __init__(
        self, stage: Stage, python: Path, module: str, *, group: str, workers: int, flags: Sequence[str] = ()
    ) -> None:
        """Run ``module`` with ``python``; ``group`` is a name that nobody has used."""
        settings = stage.settings
        self._stage = stage
        self._group = group
        self._workers = workers
        self._command = [
            *(str(python), "-m", f"tests.bench.contenders.{module}", "--bootstrap", settings.kafka_bootstrap),
            *("--topic", EVENTS.name, "--partitions", str(PARTITIONS), "--group", group, "--flags", ",".join(flags)),
            *("--clickhouse", f"{settings.clickhouse_url}/{settings.clickhouse_database}"),
        ]
        self._launched: list[Launched] = []

    def __enter__(self) -> Self:
        addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(self._workers))
        for index in range(self._workers):
            folder = self._stage.folder / f"{self._group}-{index}"
            folder.mkdir()
            own = ["--index", str(index), "--addresses", addresses, "--folder", str(folder)]
            log = self._stage.folder / f"{self._group}-{index}.log"
            self._launched.append(Launched([*self._command, *own], log))
        return self

    def __exit__(self, *_: object) -> None:
        for launched in self._launched:
            launched.kill()

    def reading(self) -> Reading | None:
        """As Attempt."""
        for launched in self._launched:
            launched.check()
        lines = [launched.last for launched in self._launched if launched.last is not None]
        if len(lines) < self._workers:
            return None
        # While one of them waits for its share, the others do not show what all of them can.
        count = sum(line.done for line in lines) if all(line.done for line in lines) else 0
        return Reading(count, max(line.at for line in lines), sum(line.cpu for line in lines))

    def peak_mib(self) -> float:
        """As Attempt."""
        return sum(launched.peak_mib() for launched in self._launched)

    def extras(self) -> Mapping[str, float]:
        """As Attempt."""
        return {}
