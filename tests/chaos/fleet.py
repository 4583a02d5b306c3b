"""The workers of a soak, as processes that are killed, stopped, frozen and replaced."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from deploy.embedded import supervisor
from deploy.settings import Settings, settings_environment
from tests.chaos.tally import Tally

__all__ = ["Fleet", "Worker"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_LOOK_S: Final = 0.25
#: For the last flush after SIGTERM. ClickHouse may be away meanwhile; an orchestrator would not wait for ever either.
_GRACE_S: Final = 30.0
_KIB: Final = 1024
#: What a worker says that is started while a service is down; it ends, and is started again.
_STARTED_TOO_EARLY: Final = ("start it, or set ", "stopped answering while the worker started")


class Worker:
    """``retention worker`` in a process that ends with this one, however that ends."""

    def __init__(self, name: str, settings: Settings, log: Path) -> None:
        self.name = name
        self.log = log
        #: Whether a fault has it in hand: no other one takes it, and its end is no surprise.
        self.busy = False
        self._process = subprocess.Popen(
            [sys.executable, "-I", supervisor.__file__, "5", str(log), sys.executable, "-m", "deploy.cli", "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env={**os.environ, **settings_environment(settings), "PYTHONPATH": str(_ROOT)},
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.pid = int(self._process.stdout.readline())

    @property
    def status(self) -> int | None:
        """The exit status, 128 + the signal's number after one; None while it runs."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.status is None:
            # Its supervisor may not have noticed the end yet.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def end(self, number: signal.Signals, seconds: float) -> int | None:
        """Send a signal and wait for the end; the exit status, or None when ``seconds`` were not enough."""
        self.send(number)
        try:
            return await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            return None

    def destroy(self) -> None:
        """End it now."""
        self.send(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def usage(self) -> tuple[float, int]:
        """Resident MiB and open files, where the system says (Linux)."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / _KIB / _KIB, len(os.listdir(f"/proc/{self.pid}/fd"))
        except (OSError, IndexError):
            return 0.0, 0


class Fleet:
    """Keeps ``size`` workers running, and replaces those that end by themselves as an orchestrator does."""

    def __init__(self, settings: Settings, folder: Path, size: int, tally: Tally) -> None:
        self.workers: list[Worker] = []
        #: Ends that nobody asked for, one line each.
        self.surprises: list[str] = []
        self._settings = settings
        self._folder = folder
        self._tally = tally
        self._started = 0
        for _ in range(size):
            self.start()

    def start(self) -> Worker:
        """Start one more worker."""
        self._started += 1
        name = f"worker-{self._started}"
        worker = Worker(name, self._settings, self._folder / f"{name}.log")
        self.workers.append(worker)
        return worker

    def pick(self, chance: random.Random) -> Worker | None:
        """A worker that no fault has in hand; it is busy then."""
        idle = [worker for worker in self.workers if not worker.busy and worker.status is None]
        if not idle:
            return None
        worker = chance.choice(idle)
        worker.busy = True
        return worker

    def forget(self, worker: Worker) -> None:
        """Take a worker off the list, ending it when need be."""
        worker.destroy()
        self.workers.remove(worker)

    async def kill(self, worker: Worker) -> None:
        """SIGKILL, and off the list."""
        await worker.end(signal.SIGKILL, _GRACE_S)
        self.forget(worker)
        self._tally.counts["kill -9 of a worker"] += 1

    async def stop(self, worker: Worker) -> int | None:
        """SIGTERM, and after the grace SIGKILL; the exit status, None when the grace was not enough."""
        status = await worker.end(signal.SIGTERM, _GRACE_S)
        self._tally.counts["SIGTERM of a worker"] += 1
        # One that has not begun to log has not begun to listen for the signal either.
        if status and worker.log.stat().st_size:
            self.surprises.append(f"{worker.log}: status {status} after SIGTERM: {_last_line(worker.log)}")
            self._tally.counts["SIGTERM that ended with an error"] += 1
        self.forget(worker)
        return status

    async def watch(self) -> None:
        """Note how much each worker holds, and replace those that ended by themselves. Runs until cancelled."""
        while True:
            for worker in list(self.workers):
                mib, files = worker.usage()
                self._tally.peak_mib = max(self._tally.peak_mib, mib)
                self._tally.peak_files = max(self._tally.peak_files, files)
                if worker.status is not None and not worker.busy:
                    self._tally.counts["worker that ended by itself"] += 1
                    last = _last_line(worker.log)
                    if not any(words in last for words in _STARTED_TOO_EARLY):
                        self.surprises.append(f"{worker.log}: status {worker.status}: {last}")
                    self.forget(worker)
                    self.start()
            await asyncio.sleep(_LOOK_S)

    def assignments(self) -> int:
        """How often a worker has taken over partitions, by the logs."""
        logs = self._folder.glob("worker-*.log")
        return sum(log.read_text(errors="replace").count("worker: owns partitions") for log in logs)

    def close(self) -> None:
        """End all workers."""
        for worker in list(self.workers):
            self.forget(worker)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else "(its log is empty)"
