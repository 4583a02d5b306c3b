"""The views in the shape of WeChat's own visit-retain interfaces."""

from collections.abc import Callable, Iterable
from typing import Final

from tests.oracle.days import month_after, month_of, to_date, week_of
from tests.oracle.population import Population
from tests.oracle.view import View

__all__ = ["daily_retain", "monthly_retain", "weekly_retain"]

_DAYS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 14, 30)
_WEEKS: Final = (0, 1, 2, 3, 4)
_MONTHS: Final = (0, 1)


def daily_retain(populations: Iterable[Population]) -> View:
    """ref_date ``yyyymmdd``."""
    return _retain(
        "wechat_daily_retain",
        populations,
        period_of=lambda day: day,
        after=lambda day, n: day + n,
        offsets=_DAYS,
        named=_compact,
    )


def weekly_retain(populations: Iterable[Population]) -> View:
    """ref_date ``yyyymmdd-yyyymmdd``, Monday to Sunday."""

    def named(monday: int) -> str:
        return f"{_compact(monday)}-{_compact(monday + 6)}"

    return _retain(
        "wechat_weekly_retain",
        populations,
        period_of=week_of,
        after=lambda day, n: day + 7 * n,
        offsets=_WEEKS,
        named=named,
    )


def monthly_retain(populations: Iterable[Population]) -> View:
    """ref_date ``yyyymm``."""
    return _retain(
        "wechat_monthly_retain",
        populations,
        period_of=month_of,
        after=month_after,
        offsets=_MONTHS,
        named=lambda day: _compact(day)[:6],
    )


def _retain(
    name: str,
    populations: Iterable[Population],
    *,
    period_of: Callable[[int], int],
    after: Callable[[int, int], int],
    offsets: tuple[int, ...],
    named: Callable[[int], str],
) -> View:
    view = View(name, ("app_id", "ref_date"), ("visit_uv_new", "visit_uv"))
    for population in populations:
        visited = [({period_of(day) for day in person.days}, period_of(person.first)) for person in population.people]
        for start in {period_of(day) for day in population.calendar}:
            begun = [(n, after(start, n)) for n in offsets if after(start, n) <= population.today]
            new = [(n, sum(1 for periods, first in visited if first == start and at in periods)) for n, at in begun]
            active = [(n, sum(1 for periods, _ in visited if start in periods and at in periods)) for n, at in begun]
            view.rows[population.app_id, named(start)] = (new, active)
    return view


def _compact(day: int) -> str:
    return to_date(day).strftime("%Y%m%d")
