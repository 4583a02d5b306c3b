"""A service as a child process that cannot outlive us and that says why when it does not start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from schemas.errors import Terminal

__all__ = ["ChildProcess", "ServiceError"]

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
_POLL_SECONDS = 0.02
#: For the supervisor itself to end, beyond the grace it gives the service.
_MARGIN_SECONDS = 5.0
_LOG_LINES = 5
_LOG_TAIL_BYTES = 8192


class ServiceError(Terminal):
    """An embedded service did not start, or has ended. The message holds the last lines of its log."""


class ChildProcess:
    """One service under its own supervisor (see ``deploy.embedded.supervisor``).

    It ends with ``stop()`` and with this process, even one killed with -9. It is in a session of its own: Ctrl-C in the
    terminal reaches this process alone, which can drain before it stops the service.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_file: Path,
        *,
        environment: Mapping[str, str] | None = None,
        grace: float = 10.0,
    ) -> None:
        """``name`` is for messages; ``environment`` defaults to ours; ``grace``: seconds from SIGTERM to SIGKILL."""
        self.name = name
        self.log_file = log_file
        self._command = list(command)
        self._environment = environment
        self._grace = grace
        self._log_start = 0
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """The service's own process id. Raises ServiceError before ``start()``."""
        if self._pid is None:
            raise ServiceError(f"{self.name} has not been started")
        return self._pid

    @property
    def running(self) -> bool:
        """Whether the service has been started and has not ended."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def start(self) -> Self:
        """Start the service; it need not be ready yet. Raises ServiceError when it cannot be executed."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", _SUPERVISOR, str(self._grace), str(self.log_file.absolute()), *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        with _pipe(self._supervisor.stdout) as report:
            pid = report.readline()
        if not pid:
            raise self._ended()
        self._pid = int(pid)
        return self

    def wait_until(self, ready: Callable[[], bool], deadline: float) -> None:
        """Return when ``ready()`` is true.

        Raises ServiceError, the service being stopped, when it ends or ``deadline`` seconds pass first.
        """
        end = time.monotonic() + deadline
        while not ready():
            self.check()
            if time.monotonic() > end:
                self.stop()
                raise ServiceError(f"{self.name} was not ready within {deadline:g} s{self._log_tail()}")
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raises ServiceError if the service has ended."""
        if not self.running:
            raise self._ended()

    def stop(self) -> None:
        """End the service and all it started: SIGTERM, then SIGKILL after the grace. No error if it has ended."""
        if self._supervisor is None:
            return
        _pipe(self._supervisor.stdin).close()
        try:
            self._supervisor.wait(self._grace + _MARGIN_SECONDS)
        except subprocess.TimeoutExpired:  # the supervisor itself is stuck, for instance stopped by SIGSTOP
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._supervisor.kill()
            self._supervisor.wait()

    def _ended(self) -> ServiceError:
        status = self._supervisor.wait() if self._supervisor else None
        self.stop()
        return ServiceError(f"{self.name} ended with status {status}{self._log_tail()}")

    def _log_tail(self) -> str:
        """The last lines of this run's log, as the end of a message."""
        try:
            with self.log_file.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - _LOG_TAIL_BYTES))
                lines = log.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
        except FileNotFoundError:
            lines = []
        if not lines:
            return f"; its log {self.log_file} is empty"
        return "".join([f"; last lines of {self.log_file}:", *(f"\n  {line}" for line in lines)])


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    if end is None:
        raise AssertionError("both ends are pipes: see start()")
    return end
