"""Measures one attempt, without its start-up.

The rate is taken from the first progress to the last, so that joining a group does not count. CPU time is taken from
when it was ready, and divided by everything done since: what it did before its first progress was not for nothing.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.bench.attempts import Attempt, Reading
from tests.bench.launching import ContenderFailed
from tests.bench.processes import cpu_seconds

__all__ = ["Result", "measure"]

_POLL_S: Final = 0.1
#: To the first progress, and between two.
_STALLED_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Result:
    """One attempt.

    Attributes:
        rate: events per second.
        cpu: CPU seconds per million events of the contender's own processes.
        services_cpu: the same of broker and ClickHouse together.
        memory: the largest resident memory, MiB.
        events: those that the rate was taken from.
        seconds: how long these took.
        extras: what else was measured, by name.
    """

    rate: float
    cpu: float
    services_cpu: float
    memory: float
    events: int
    seconds: float
    extras: Mapping[str, float] = field(default_factory=dict)


def measure(attempt: Attempt, events: int, services: tuple[int, ...], window_s: float | None) -> Result:
    """Run ``attempt`` until ``events`` are done or ``window_s`` seconds of progress have passed.

    Raises:
        ContenderFailed: it ended, or makes no progress.
    """
    with attempt:
        ready = _wait_for(attempt, least=0)
        before = cpu_seconds(services)
        first = last = _wait_for(attempt, least=1)
        seen = time.monotonic()
        while last.done < events and (window_s is None or last.at - first.at < window_s):
            time.sleep(_POLL_S)
            reading = attempt.reading()
            if reading is not None and reading.done > last.done:
                last, seen = reading, time.monotonic()
            elif time.monotonic() - seen > _STALLED_S:
                raise ContenderFailed(f"no progress for {_STALLED_S:.0f} s after {last.done:,} events")
        done, seconds = last.done - first.done, last.at - first.at
        if not done:
            raise ContenderFailed("all was done before it could be measured: take more events")
        millions = (last.done - ready.done) / 1e6
        return Result(
            rate=done / seconds,
            cpu=(last.cpu - ready.cpu) / millions,
            services_cpu=(cpu_seconds(services) - before) / millions,
            memory=attempt.peak_mib(),
            events=done,
            seconds=seconds,
            extras=attempt.extras() if last.done >= events else {},
        )


def _wait_for(attempt: Attempt, least: int) -> Reading:
    end = time.monotonic() + _STALLED_S
    while time.monotonic() < end:
        time.sleep(_POLL_S)
        reading = attempt.reading()
        if reading is not None and reading.done >= least:
            return reading
    raise ContenderFailed(f"no progress within {_STALLED_S:.0f} s")
