"""The events that every contender reads, as arrays in the order of publication.

Sessions of page views of one app: users come on random days, at random times, and the same workload is the same events
every time.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DAY_MS", "START_MS", "ZONE_MS", "Visits", "Workload", "visits"]

DAY_MS: Final = 86_400_000
#: Midnight in Asia/Shanghai, which is the default time zone of an app and has no daylight saving time.
START_MS: Final = 1_699_977_600_000
#: What that zone is ahead of UTC.
ZONE_MS: Final = 8 * 3_600_000

_SESSION_EVENTS: Final = 10
_STEP_MS: Final = 20_000

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Workload:
    """``events`` of ``users``: on each day the share ``daily`` of them comes, and causes ``per_user_day`` events.

    The share ``delayed`` of the events is published up to a day after it happened, the others when they happened.
    """

    events: int
    users: int
    per_user_day: int
    delayed: float = 0.0
    daily: float = 0.5
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Visits:
    """Per event the number of its user and its time in milliseconds since the epoch, in the order of publication."""

    users: Numbers
    at_ms: Numbers


def visits(workload: Workload) -> Visits:
    """The events of ``workload``."""
    chance = np.random.default_rng(workload.seed)
    users: list[Numbers] = []
    times: list[Numbers] = []
    made, day = 0, 0
    while made < workload.events:
        come = np.flatnonzero(chance.random(workload.users) < workload.daily)
        day_users, day_times = _one_day(chance, come, workload.per_user_day)
        users.append(day_users)
        times.append(day_times + (START_MS + day * DAY_MS))
        made += len(day_users)
        day += 1
    user, at_ms = np.concatenate(users), np.concatenate(times)
    published = at_ms.astype(np.float64)
    late = chance.random(len(published)) < workload.delayed
    published[late] += chance.uniform(1.0, DAY_MS, int(late.sum()))
    order = np.argsort(published, kind="stable")[: workload.events]
    return Visits(user[order], at_ms[order])


def _one_day(chance: np.random.Generator, come: Numbers, per_user_day: int) -> tuple[Numbers, Numbers]:
    """Users and times since midnight; no session goes on into the next day."""
    sessions = -(-per_user_day // _SESSION_EVENTS)
    begin = chance.integers(0, DAY_MS - _SESSION_EVENTS * _STEP_MS, (len(come), sessions))
    number = np.arange(per_user_day)
    times = begin[:, number // _SESSION_EVENTS] + (number % _SESSION_EVENTS) * _STEP_MS
    return np.repeat(come, per_user_day), times.reshape(-1)
