"""Cells: counts of users by family, start of the period and offset ``n``. What is published is made of these.

A cell's key is one ``int``, ``start << 16 | n``, per family (and per segment value). ``Cells`` maps keys to changes or
to totals; adding is commutative, so any order of changes gives the same totals.

| family | start | n | last day: the cell can change until this day has closed |
|---|---|---|---|
| new_daily, new_daily_segment | first day f | offset N ≤ 365 | f + N |
| active_daily | active day d | offset N ≤ 30 | d + N |
| new_weekly, active_weekly | Monday | weeks k ≤ 52, ≤ 12 | Sunday of week + k |
| new_monthly, active_monthly | first of month | months k ≤ 12 | last day of month + k |
| unbounded | first day f | N ≤ 365 | f + 365: a return changes every earlier N |
| wau, mau | day x | 0 | x |
| histogram_7, histogram_28 | day x | active days in the window | x |
| streak_activity, streak_check_in | day t | length of the run that ends on t | t |
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from streams.core.calendar import month_start, next_month

__all__ = [
    "ACTIVE_DAILY",
    "ACTIVE_HORIZON_DAYS",
    "ACTIVE_HORIZON_WEEKS",
    "ACTIVE_MONTHLY",
    "ACTIVE_WEEKLY",
    "FAMILIES",
    "HISTOGRAM_7",
    "HISTOGRAM_28",
    "HORIZON_DAYS",
    "HORIZON_MONTHS",
    "HORIZON_WEEKS",
    "LAST_DAY",
    "MAU",
    "NEW_DAILY",
    "NEW_DAILY_SEGMENT",
    "NEW_MONTHLY",
    "NEW_WEEKLY",
    "STREAK_ACTIVITY",
    "STREAK_CHECK_IN",
    "UNBOUNDED",
    "WAU",
    "Cells",
]

#: How far new-user, unbounded and active-user retention reach.
HORIZON_DAYS: Final = 365
HORIZON_WEEKS: Final = 52
HORIZON_MONTHS: Final = 12
ACTIVE_HORIZON_DAYS: Final = 30
ACTIVE_HORIZON_WEEKS: Final = 12

FAMILIES: Final = (
    "new_daily",
    "active_daily",
    "new_weekly",
    "active_weekly",
    "new_monthly",
    "active_monthly",
    "unbounded",
    "wau",
    "mau",
    "histogram_7",
    "histogram_28",
    "streak_activity",
    "streak_check_in",
)
(
    NEW_DAILY,
    ACTIVE_DAILY,
    NEW_WEEKLY,
    ACTIVE_WEEKLY,
    NEW_MONTHLY,
    ACTIVE_MONTHLY,
    UNBOUNDED,
    WAU,
    MAU,
    HISTOGRAM_7,
    HISTOGRAM_28,
    STREAK_ACTIVITY,
    STREAK_CHECK_IN,
) = range(len(FAMILIES))
NEW_DAILY_SEGMENT: Final = "new_daily_segment"


def _offset_day(start: int, n: int) -> int:
    return start + n


def _sunday(start: int, n: int) -> int:
    return start + 7 * n + 6


def _month_end(start: int, n: int) -> int:
    for _ in range(n + 1):
        start = next_month(start)
    return month_start(start) - 1


def _horizon(start: int, _n: int) -> int:
    return start + HORIZON_DAYS


def _itself(start: int, _n: int) -> int:
    return start


#: Per family, the last day of the cell (start, n).
LAST_DAY: Final[tuple[Callable[[int, int], int], ...]] = (
    _offset_day,
    _offset_day,
    _sunday,
    _sunday,
    _month_end,
    _month_end,
    _horizon,
    _itself,
    _itself,
    _itself,
    _itself,
    _itself,
    _itself,
)


class Cells:
    """Numbers by cell for one app in one partition: changes since the last flush, or totals."""

    __slots__ = ("families", "segments")

    def __init__(self) -> None:
        """No cell yet."""
        self.families: tuple[defaultdict[int, int], ...] = tuple(defaultdict(int) for _ in FAMILIES)
        #: ``new_daily_segment``, by (segment, value).
        self.segments: defaultdict[tuple[str, str], defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, other: "Cells") -> None:
        """Add the numbers of ``other`` that are not zero."""
        for mine, theirs in zip(self.families, other.families, strict=True):
            for key, number in theirs.items():
                if number:
                    mine[key] += number
        for cut, theirs in other.segments.items():
            for key, number in theirs.items():
                if number:
                    self.segments[cut][key] += number

    def groups(self) -> Iterator[tuple[str, str, str, Callable[[int, int], int], defaultdict[int, int]]]:
        """Every (family, segment, value, last-day function, numbers by key)."""
        for name, last_day, numbers in zip(FAMILIES, LAST_DAY, self.families, strict=True):
            yield name, "", "", last_day, numbers
        for (segment, value), numbers in self.segments.items():
            yield NEW_DAILY_SEGMENT, segment, value, _offset_day, numbers
