"""The activity views: active users, lifecycle, histogram, streaks, and the users themselves."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from tests.oracle.contract import ATTRIBUTES
from tests.oracle.days import to_date
from tests.oracle.population import Person, Population, run_lengths
from tests.oracle.view import Row, View, rate

__all__ = ["active_users", "histogram", "lifecycle", "streaks", "user_activity"]

_WEEK: Final = 7
_MONTH: Final = 30
_WINDOWS: Final = (7, 28)
_ROLLING: Final = (1, 7, 14, 30)


def active_users(populations: Iterable[Population]) -> View:
    """Distinct active users in the 1, 7 and 30 days that end on each date, and those new on it."""
    columns = ("dau", "wau", "mau", "new_users", "stickiness", "is_complete")
    view = View("active_users", ("app_id", "date"), columns)
    for population in populations:
        for day in population.calendar:
            dau, wau, mau = (
                sum(1 for person in population.people if person.active_in(day, length)) for length in (1, _WEEK, _MONTH)
            )
            new = sum(1 for person in population.people if person.first == day)
            row = (dau, wau, mau, new, rate(dau, mau), population.is_complete(day))
            view.rows[population.app_id, to_date(day)] = row
    return view


def lifecycle(populations: Iterable[Population]) -> View:
    """How many users stood where in their life on each date."""
    columns = ("active", "new", "retained", "resurrected", "dormant", "is_complete")
    view = View("lifecycle_daily", ("app_id", "date"), columns)
    for population in populations:
        for day in population.calendar:
            stages = Counter(_stage(person, day) for person in population.people)
            active = sum(1 for person in population.people if day in person.days)
            named = (stages[name] for name in ("new", "retained", "resurrected", "dormant"))
            view.rows[population.app_id, to_date(day)] = (active, *named, population.is_complete(day))
    return view


def histogram(populations: Iterable[Population]) -> View:
    """Users by number of active days in the 7 and 28 days that end on each date; no row for nobody."""
    view = View("activity_histogram", ("app_id", "date", "window_days", "active_days"), ("users",))
    for population in populations:
        for day in population.calendar:
            for window in _WINDOWS:
                users = Counter(person.active_in(day, window) for person in population.people)
                for active_days, count in users.items():
                    if active_days:
                        view.rows[population.app_id, to_date(day), window, active_days] = (count,)
    return view


def streaks(populations: Iterable[Population]) -> View:
    """Users by length of the run of days that ends on each date; no row for nobody."""
    view = View("streaks_daily", ("app_id", "date", "kind", "length"), ("users",))
    for population in populations:
        users: Counter[tuple[str, int, int]] = Counter()
        for person in population.people:
            users.update(("activity", day, length) for day, length in run_lengths(person.days).items())
        for check_ins in [person.check_ins for person in population.people] + population.check_in_only:
            users.update(("check_in", day, length) for day, length in run_lengths(check_ins).items())
        for (kind, day, length), count in users.items():
            view.rows[population.app_id, to_date(day), kind, length] = (count,)
    return view


def user_activity(populations: Iterable[Population]) -> View:
    """Each user who was ever active, as of today."""
    compared = (
        "first_date",
        "last_date",
        *(f"active_days_{length}" for length in _ROLLING),
        *(f"check_ins_{length}" for length in _ROLLING),
        "streak",
        "longest_streak",
        "check_in_streak",
        "longest_check_in_streak",
        "streak_started",
        "expires_on",
        "lifecycle",
        *ATTRIBUTES,
    )
    extra = ("at_risk", "check_in_started", "check_in_expires_on")
    view = View("user_activity", ("app_id", "user_id"), compared + extra, optional=frozenset(extra))
    for population in populations:
        for person in population.people:
            view.rows[population.app_id, person.user_id] = _as_of(person, population.today)
    return view


def _as_of(person: Person, today: int) -> Row:
    streak, started, expires_on = _current(person.days, today)
    check_in_streak, check_in_started, check_in_expires_on = _current(person.check_ins, today)
    return (
        to_date(person.first),
        to_date(max(person.days)),
        *(person.active_in(today, length) for length in _ROLLING),
        *(person.checked_in(today, length) for length in _ROLLING),
        streak,
        max(run_lengths(person.days).values()),
        check_in_streak,
        max(run_lengths(person.check_ins).values(), default=0),
        started,
        expires_on,
        _stage(person, today),
        *person.attributes,
        int(streak > 0 and today not in person.days),
        check_in_started,
        check_in_expires_on,
    )


def _current(days: set[int], today: int) -> Row:
    """Length, first day and day of breaking of the run that ends today, or yesterday while today is open."""
    lengths = run_lengths(days)
    for last in (today, today - 1):
        if last in lengths:
            return lengths[last], to_date(last - lengths[last] + 1), to_date(last + 2)
    return 0, None, None


def _stage(person: Person, day: int) -> str:
    if day in person.days:
        if day == person.first:
            return "new"
        return "retained" if day - 1 in person.days else "resurrected"
    return "dormant" if day - 1 in person.days else "inactive"
