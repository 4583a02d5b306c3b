"""Contenders as processes: started in a group of their own, and ended with everything they started."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.processes import cpu_seconds, members, peak_mib
from tests.bench.stage import ROOT

__all__ = ["ContenderFailed", "Launched", "Line"]

_GRACE_S: Final = 20.0
_REASON_LENGTH: Final = 200


class ContenderFailed(Exception):
    """A contender cannot be measured; the message says why, in one line."""


class Line(NamedTuple):
    """What a contender said last: events done, when (monotonic), and its CPU seconds by then."""

    done: int
    at: float
    cpu: float


class Launched:
    """One process with its children. What it writes to standard output is followed, the rest goes to a log file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start ``command`` from the root of the project, with ``environment`` added to ours."""
        self.log = log
        self.last: Line | None = None
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                start_new_session=True,
            )
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()

    def _follow(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # a library's greeting is no progress
                    count, at, cpu = line.split()
                    self.last = Line(int(count), float(at), float(cpu))

    def check(self) -> None:
        """Raises ContenderFailed when the process has ended."""
        if self.process.poll() is not None:
            raise ContenderFailed(f"ended with {self.process.returncode}: {self._last_words()}")

    def cpu(self) -> float:
        """CPU seconds of the whole group."""
        return cpu_seconds(members(self.process.pid))

    def peak_mib(self) -> float:
        """The most memory of the whole group, MiB."""
        return peak_mib(members(self.process.pid))

    def stop(self) -> None:
        """Ask the group to end, and end it."""
        self._signal(signal.SIGTERM)
        end = time.monotonic() + _GRACE_S
        while members(self.process.pid) and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """End the group at once."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        self._follower.join(_GRACE_S)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _last_words(self) -> str:
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return (lines[-1] if lines else "it said nothing")[:_REASON_LENGTH]
