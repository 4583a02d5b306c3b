"""What the embedded services have in common: a port, a child process that listens on it, a start and a stop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.embedded.ports import choose_port, is_taken, listens
from deploy.embedded.process import ChildProcess, ServiceError

__all__ = ["EmbeddedService"]

_ATTEMPTS = 3


class EmbeddedService(ABC):
    """A service on a port of this machine, as a context manager. It ends with this process, however that ends."""

    #: Name in messages and of the log file; the command line's flag for the port; seconds to wait for the start.
    name: str
    flag: str
    start_deadline: float = 60.0

    host = "127.0.0.1"

    def __init__(self, port: int | None, log_dir: Path, *, explicit: bool = False) -> None:
        """``port``: used if it is free, else another (None: any), with ``explicit`` no other. ``log_dir`` is made."""
        self._wanted = port
        self._explicit = explicit
        self.log_file = log_dir / f"{self.name}.log"
        self._process: ChildProcess | None = None
        self.port = 0

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments, to listen on ``self.host`` and ``self.port``."""

    def environment(self) -> Mapping[str, str] | None:
        """The program's environment; None for our own."""
        return None

    @abstractmethod
    def answers(self) -> bool:
        """Whether the service, known to listen, also serves."""

    def start(self) -> Self:
        """Start the service and wait until it serves.

        Raises Terminal: the port is taken and was asked for explicitly, or the service does not start.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            # Started anew, it comes back where its clients look for it.
            self.port = choose_port(self.port or self._wanted, explicit=self._explicit, flag=self.flag, host=self.host)
            process = ChildProcess(self.name, self.command(), self.log_file, environment=self.environment())
            try:
                process.start().wait_until(lambda: self._ready(process), self.start_deadline)  # noqa: B023 (called in this round)
            except ServiceError:
                # Somebody may have taken the port between our look and the service's bind.
                if attempt == _ATTEMPTS or self._explicit or not is_taken(self.port, self.host):
                    raise
            except BaseException:
                process.stop()
                raise
            else:
                self._process = process
                return self
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _ready(self, process: ChildProcess) -> bool:
        return process.running and listens(process.pid, self.port) and self.answers()

    def stop(self) -> None:
        """End the service; no error if it has ended or was never started."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def check(self) -> None:
        """Raises ServiceError, with the last lines of its log, if the service is not running."""
        self._running().check()

    @property
    def pid(self) -> int:
        """Process id of the service. Raises ServiceError if it has not been started."""
        return self._running().pid

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise ServiceError(f"{self.name} has not been started")
        return self._process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
