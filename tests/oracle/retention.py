"""The retention views: daily, weekly, monthly, unbounded, by segment."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from tests.oracle.contract import ATTRIBUTES
from tests.oracle.days import month_after, month_of, to_date, week_of
from tests.oracle.population import Person, Population
from tests.oracle.view import Row, View, cohort_row

__all__ = ["by_segment", "daily", "monthly", "unbounded", "weekly"]

_ALWAYS_DAYS: Final = 30
_LAST_DAY: Final = 365
_ALWAYS_PERIODS: Final = 12
_LAST_WEEK: Final = 52
_COUNTS: Final = ("cohort_users", "retained_users", "retention_rate", "is_complete")


def daily(populations: Iterable[Population]) -> View:
    """Of those new, or active, on the cohort's date: who was active exactly ``day_n`` days later."""
    view = View("retention_daily", ("app_id", "audience", "cohort_date", "day_n"), _COUNTS)
    for population in populations:
        for cohort_date in population.calendar:
            new = [person for person in population.people if person.first == cohort_date]
            active = [person for person in population.people if cohort_date in person.days]
            for audience, cohort, last_n in (("new", new, _LAST_DAY), ("active", active, _ALWAYS_DAYS)):
                for day_n, row in _exactly(population, cohort, cohort_date, last_n):
                    view.rows[population.app_id, audience, to_date(cohort_date), day_n] = row
    return view


def by_segment(populations: Iterable[Population]) -> View:
    """New-user retention of those who arrived with each value of the app's segments."""
    keys = ("app_id", "segment", "value", "cohort_date", "day_n")
    view = View("retention_daily_by_segment", keys, _COUNTS)
    for population in populations:
        for segment in population.app.segments:
            index = ATTRIBUTES.index(segment)
            cohorts: dict[tuple[str, int], list[Person]] = {}
            for person in population.people:
                cohorts.setdefault((person.attributes[index], person.first), []).append(person)
            for (value, cohort_date), cohort in cohorts.items():
                for day_n, row in _exactly(population, cohort, cohort_date, _LAST_DAY):
                    view.rows[population.app_id, segment, value, to_date(cohort_date), day_n] = row
    return view


def unbounded(populations: Iterable[Population]) -> View:
    """Of those new on the cohort's date: who was active ``day_n`` days later or on any later day up to 365."""
    view = View("retention_unbounded", ("app_id", "cohort_date", "day_n"), _COUNTS)
    for population in populations:
        for cohort_date in population.calendar:
            last_day = cohort_date + _LAST_DAY
            cohort = [person for person in population.people if person.first == cohort_date]
            last_seen = [max(day for day in person.days if day <= last_day) for person in cohort]
            for day_n in _day_ns(population, cohort_date, _LAST_DAY):
                retained = sum(1 for day in last_seen if day >= cohort_date + day_n)
                row = cohort_row(population, len(cohort), retained, last_day)
                view.rows[population.app_id, to_date(cohort_date), day_n] = row
    return view


def weekly(populations: Iterable[Population]) -> View:
    """Retention on weeks from Monday to Sunday."""
    return _periods("retention_weekly", populations, week_of, lambda monday, weeks: monday + 7 * weeks, _LAST_WEEK)


def monthly(populations: Iterable[Population]) -> View:
    """Retention on natural months."""
    return _periods("retention_monthly", populations, month_of, month_after, _ALWAYS_PERIODS)


def _exactly(population: Population, cohort: list[Person], cohort_date: int, last_n: int) -> Iterator[tuple[int, Row]]:
    for day_n in _day_ns(population, cohort_date, last_n):
        day = cohort_date + day_n
        retained = sum(1 for person in cohort if day in person.days)
        yield day_n, cohort_row(population, len(cohort), retained, day)


def _day_ns(population: Population, cohort_date: int, last_n: int) -> Iterator[int]:
    """0 to 30 always, further ones up to ``last_n`` when their day has come."""
    for day_n in range(last_n + 1):
        if day_n <= _ALWAYS_DAYS or cohort_date + day_n <= population.today:
            yield day_n


def _periods(
    name: str,
    populations: Iterable[Population],
    period_of: Callable[[int], int],
    after: Callable[[int, int], int],
    last_new: int,
) -> View:
    view = View(name, ("app_id", "audience", "cohort_start", "period_n"), _COUNTS)
    for population in populations:
        visited = [({period_of(day) for day in person.days}, period_of(person.first)) for person in population.people]
        for start in sorted({period_of(day) for day in population.calendar}):
            new = [periods for periods, first in visited if first == start]
            active = [periods for periods, _ in visited if start in periods]
            for audience, cohort, last_n in (("new", new, last_new), ("active", active, _ALWAYS_PERIODS)):
                for period_n in range(last_n + 1):
                    period = after(start, period_n)
                    if period_n > _ALWAYS_PERIODS and period > population.today:
                        continue
                    retained = sum(1 for periods in cohort if period in periods)
                    row = cohort_row(population, len(cohort), retained, after(period, 1) - 1)
                    view.rows[population.app_id, audience, to_date(start), period_n] = row
    return view
