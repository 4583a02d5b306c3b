"""The pipeline as a contender: ``retention worker`` processes, from the topic to the tables."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Self
from urllib.error import URLError
from urllib.request import urlopen

from deploy.migrating import migrate_all
from deploy.settings import Settings, settings_environment
from tests.bench.attempts import Reading, free_ports
from tests.bench.launching import Launched
from tests.bench.stage import Stage
from tests.bench.timing import best_seconds

__all__ = ["PipelineAttempt", "accepted", "is_ready", "launch_worker"]

_READY_TIMEOUT_S: Final = 5.0

#: Of every cohort, how many came back after 0 to 30 days.
_TRIANGLE: Final = """
SELECT cohort_date, day_n, cohort_users, retained_users FROM retention_daily
WHERE audience = 'new' AND day_n <= 30 ORDER BY cohort_date, day_n
"""


def launch_worker(stage: Stage, settings: Settings, level: str = "WARNING") -> Launched:
    """Start one worker of ``settings``; its log goes to a file of its epoch."""
    environment = {**settings_environment(settings), "RETENTION_LOG_LEVEL": level}
    log = stage.folder / f"ours-{settings.epoch}.log"
    return Launched([sys.executable, "-m", "deploy.cli", "worker"], log, environment)


def is_ready(port: int) -> bool:
    """Whether the worker with this web port owns partitions and can do its work."""
    with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/readyz", timeout=_READY_TIMEOUT_S):
        return True
    return False


def accepted(stage: Stage, epoch: int) -> int:
    """How many events of ``epoch`` are visible in the tables."""
    (row,) = stage.client.query(
        "SELECT sum(accepted) FROM progress FINAL WHERE epoch = {epoch:UInt32}", {"epoch": epoch}
    ).result_rows
    return int(row[0])


class PipelineAttempt:
    """Our workers. Done is what ClickHouse shows as accepted."""

    def __init__(self, stage: Stage, epoch: int, workers: int) -> None:
        """Compute ``epoch`` anew: another consumer group, another changelog, the same topic."""
        self._stage = stage
        self._settings = stage.settings.model_copy(update={"epoch": epoch})
        self._ports = free_ports(workers)
        self._launched: list[Launched] = []
        #: CPU seconds of each worker's start-up, by its place.
        self._start_up: dict[int, float] = {}

    def __enter__(self) -> Self:
        migrate_all(self._settings)
        for port in self._ports:
            self._launched.append(launch_worker(self._stage, self._settings.model_copy(update={"web_port": port})))
        return self

    def __exit__(self, *error: object) -> None:
        for launched in self._launched:
            launched.stop()

    def reading(self) -> Reading | None:
        """As Attempt."""
        for launched in self._launched:
            launched.check()
        if len(self._start_up) < len(self._launched):
            for place, launched in enumerate(self._launched):
                # A worker folds from when it is ready, and answers late: what it used before we asked is its start-up.
                cpu = launched.cpu()
                if place not in self._start_up and is_ready(self._ports[place]):
                    self._start_up[place] = cpu
            all_ready = len(self._start_up) == len(self._launched)
            return Reading(0, time.monotonic(), sum(self._start_up.values())) if all_ready else None
        count = accepted(self._stage, self._settings.epoch)
        return Reading(count, time.monotonic(), sum(launched.cpu() for launched in self._launched))

    def peak_mib(self) -> float:
        """As Attempt."""
        return sum(launched.peak_mib() for launched in self._launched)

    def extras(self) -> Mapping[str, float]:
        """Seconds of the retention triangle, read from the view."""
        return {"triangle_s": best_seconds(lambda: self._stage.client.query(_TRIANGLE))}
