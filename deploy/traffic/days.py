"""What one user does on one local day: when the visits begin, which check-ins they hold, and which version runs."""

from itertools import accumulate
from random import Random
from typing import Final

from deploy.traffic.clock import HOUR_MS, MINUTE_MS, day_start, weekday
from deploy.traffic.population import Population, User
from deploy.traffic.sessions import TimedEvent, arrival_entry, return_entry, visit

__all__ = ["check_ins", "day_of_user", "version_on"]

#: Weight of each hour: a lunch and an evening peak on working days, later and flatter on weekends.
_WORKDAY: Final = (3, 1, 1, 1, 1, 2, 6, 14, 22, 20, 18, 24, 40, 34, 22, 24, 22, 24, 32, 38, 42, 40, 28, 12)
_WEEKEND: Final = (6, 3, 1, 1, 1, 1, 3, 7, 14, 24, 32, 36, 38, 36, 38, 40, 38, 36, 36, 38, 40, 38, 30, 16)
_WORKDAY_SUMS: Final = tuple(accumulate(_WORKDAY))
_WEEKEND_SUMS: Final = tuple(accumulate(_WEEKEND))
_HOURS: Final = range(24)
_SATURDAY: Final = 5

_CHANCE_ANOTHER_VISIT: Final = 0.30
_BETWEEN_VISITS_MS: Final = (20 * MINUTE_MS, 4 * HOUR_MS)
#: Users without the habit check in now and then, too.
_CHANCE_CASUAL_CHECK_IN: Final = 0.10
_CHANCE_MAKE_UP: Final = 0.4

_OLD_VERSION: Final = "2.3.1"
_NEW_VERSION: Final = "2.4.0"
#: Days over which the phones of known users fetch the release.
_ROLLOUT_DAYS: Final = 4


def version_on(population: Population, user: User, day: int) -> str:
    """App version on the user's phone: new users get the release at once, the others within days."""
    if day < population.release_day:
        return _OLD_VERSION
    fetched = user.first_day >= population.release_day or day - population.release_day >= user.index % _ROLLOUT_DAYS
    return _NEW_VERSION if fetched else _OLD_VERSION


def check_ins(rng: Random, user: User, day: int, *, came_yesterday: bool) -> tuple[int | None, ...]:
    """The check-ins of the user's first visit on ``day``; a habit user may make up for a missed yesterday."""
    if user.first_day <= day <= user.habit_until:
        if not came_yesterday and day > user.first_day and rng.random() < _CHANCE_MAKE_UP:
            return (day - 1, None)
        return (None,)
    return (None,) if rng.random() < _CHANCE_CASUAL_CHECK_IN else ()


def day_of_user(rng: Random, population: Population, user: User, day: int, *, came_yesterday: bool) -> list[TimedEvent]:
    """The events of all the user's visits on ``day``; the last visit may run past midnight."""
    sums = _WEEKEND_SUMS if weekday(day) >= _SATURDAY else _WORKDAY_SUMS
    hour = rng.choices(_HOURS, cum_weights=sums)[0]
    start = day_start(day) + int((hour + rng.random()) * HOUR_MS)
    version = version_on(population, user, day)
    entry = arrival_entry(rng, user) if day == user.first_day else return_entry(rng)
    days = check_ins(rng, user, day, came_yesterday=came_yesterday)
    events = visit(rng, user, start, entry, version=version, check_in_days=days)
    end_of_day = day_start(day + 1)
    while rng.random() < _CHANCE_ANOTHER_VISIT:
        start = events[-1][0] + rng.randint(*_BETWEEN_VISITS_MS)
        if start >= end_of_day:
            break
        events += visit(rng, user, start, return_entry(rng), version=version)
    return events
