"""What one user adds to the cells: a pure function of the user's set of days, first day and frozen attributes.

``mark`` is the one rule: what setting day ``t`` adds, given the days before it. In order it is all there is to do
(cheap). For any other change the state's whole contribution is taken back and the new one is given
(``contribute`` with sign -1, then +1), which replays ``mark`` over the user's days. A rebuild after recovery adds what
``contribute`` over every user would, in columns (``streams.core.columns``); tests check that all of them agree.
"""

from typing import Final

from streams.core import days
from streams.core.calendar import month_start, next_month, previous_month, week_start
from streams.core.cells import (
    ACTIVE_DAILY,
    ACTIVE_HORIZON_DAYS,
    ACTIVE_HORIZON_WEEKS,
    ACTIVE_MONTHLY,
    ACTIVE_WEEKLY,
    HISTOGRAM_7,
    HISTOGRAM_28,
    HORIZON_DAYS,
    HORIZON_MONTHS,
    HORIZON_WEEKS,
    MAU,
    NEW_DAILY,
    NEW_MONTHLY,
    NEW_WEEKLY,
    STREAK_ACTIVITY,
    STREAK_CHECK_IN,
    UNBOUNDED,
    WAU,
    Cells,
)

__all__ = ["contribute", "contribute_check_ins", "mark", "mark_check_in", "mark_segments", "mark_unbounded"]

_WEEK: Final = 7
_MONTH_WINDOW: Final = 30
_HISTOGRAMS: Final = ((HISTOGRAM_7, 7), (HISTOGRAM_28, 28))
#: A day older than this many days before ``since`` adds to no daily, weekly, monthly or window cell that ends on or
#: after ``since``: the longest reach is a month.
_LOOK_BACK: Final = 31

Segments = tuple[tuple[str, str], ...]


def mark(cells: Cells, first: int, before: int, day: int, since: int, sign: int) -> None:
    """Add ``sign`` × what setting ``day`` changes, to every cell whose last day is ``since`` or later.

    ``before`` holds the user's earlier days, bit *i* = the day *i* before ``day`` (bit 0 clear). ``first`` is the
    user's first day (``day`` itself for a new user). Segments and unbounded cells are not marked here: see
    ``mark_segments`` and ``mark_unbounded``.
    """
    if day >= since:
        _mark_daily(cells, first, before, day, sign)
    weekday = (day + 3) % _WEEK
    if not before >> 1 & (1 << weekday) - 1 and day - weekday + _WEEK - 1 >= since:
        _mark_weekly(cells, first, before, day, weekday, sign)
    month = month_start(day)
    if not before >> 1 & (1 << (day - month)) - 1 and next_month(month) > since:
        _mark_monthly(cells, first, before, day, month, sign)
    _mark_windows(cells, before, day, since, sign)


def mark_segments(cells: Cells, first: int, day: int, segments: Segments, sign: int) -> None:
    """Add ``sign`` to the cells of a new user's ``segments`` that ``day`` touches."""
    age = day - first
    if age <= HORIZON_DAYS:
        for segment in segments:
            cells.segments[segment][first << 16 | age] += sign


def _mark_daily(cells: Cells, first: int, before: int, day: int, sign: int) -> None:
    families = cells.families
    age = day - first
    if age <= HORIZON_DAYS:
        families[NEW_DAILY][first << 16 | age] += sign
    active = families[ACTIVE_DAILY]
    active[day << 16] += sign
    recent = before & ((1 << (ACTIVE_HORIZON_DAYS + 1)) - 1)
    while recent:
        n = recent.bit_length() - 1
        active[(day - n) << 16 | n] += sign
        recent ^= 1 << n
    through = before | 1
    families[STREAK_ACTIVITY][day << 16 | ((through ^ (through + 1)).bit_length() - 1)] += sign


def _mark_weekly(cells: Cells, first: int, before: int, day: int, weekday: int, sign: int) -> None:
    week = day - weekday
    cohort = week_start(first)
    k = (week - cohort) // _WEEK
    if k <= HORIZON_WEEKS:
        cells.families[NEW_WEEKLY][cohort << 16 | k] += sign
    active = cells.families[ACTIVE_WEEKLY]
    active[week << 16] += sign
    earlier = before >> (weekday + 1)
    k = 1
    while earlier and k <= ACTIVE_HORIZON_WEEKS:
        if earlier & 127:
            active[(week - _WEEK * k) << 16 | k] += sign
        earlier >>= _WEEK
        k += 1


def _mark_monthly(cells: Cells, first: int, before: int, day: int, month: int, sign: int) -> None:
    cohort = month_start(first)
    active = cells.families[ACTIVE_MONTHLY]
    active[month << 16] += sign
    if month == cohort:
        cells.families[NEW_MONTHLY][cohort << 16] += sign
    earlier = before >> (day - month + 1)
    start = month
    for k in range(1, HORIZON_MONTHS + 1):
        if not earlier:
            return
        length = start - previous_month(start)
        start -= length
        if earlier & (1 << length) - 1:
            active[start << 16 | k] += sign
        if start == cohort:
            cells.families[NEW_MONTHLY][cohort << 16 | k] += sign
        earlier >>= length


def _mark_windows(cells: Cells, before: int, day: int, since: int, sign: int) -> None:
    families = cells.families
    earlier = before & -before
    gap = earlier.bit_length() - 1 if earlier else _MONTH_WINDOW
    for family, width in ((WAU, _WEEK), (MAU, _MONTH_WINDOW)):
        window = families[family]
        for x in range(max(day, day - gap + width, since), day + width):
            window[x << 16] += sign
    for family, width in _HISTOGRAMS:
        histogram = families[family]
        inside = before & (1 << width) - 1
        for x in range(day, day + width):
            if x >= since:
                count = inside.bit_count()
                if count:
                    histogram[x << 16 | count] -= sign
                histogram[x << 16 | count + 1] += sign
            inside = inside & (1 << (width - 1 - (x - day))) - 1 if inside else 0


def mark_unbounded(cells: Cells, first: int, reached: int, day: int, sign: int) -> None:
    """Add ``sign`` to the unbounded cells that ``day`` reaches beyond offset ``reached`` (-1: none yet)."""
    reach = day - first
    if reach <= HORIZON_DAYS:
        unbounded = cells.families[UNBOUNDED]
        base = first << 16
        for n in range(reached + 1, reach + 1):
            unbounded[base | n] += sign


def contribute(cells: Cells, last: int, bits: int, segments: Segments, since: int, sign: int) -> None:
    """Add ``sign`` × all that a set of active days adds to cells that end on ``since`` or later."""
    if not bits:
        return
    first = days.first(last, bits)
    for day in days.iterate(last, bits, max(first, since - _LOOK_BACK)):
        before = bits >> (last - day) & ~1
        mark(cells, first, before, day, since, sign)
        if day >= since:
            mark_segments(cells, first, day, segments, sign)
    if first + HORIZON_DAYS >= since:
        within = bits >> max(0, last - first - HORIZON_DAYS)
        furthest = min(last, first + HORIZON_DAYS) - ((within & -within).bit_length() - 1)
        mark_unbounded(cells, first, -1, furthest, sign)


def mark_check_in(cells: Cells, last: int, bits: int, sign: int) -> None:
    """Add ``sign`` for the check-in streak that ends on ``last``."""
    cells.families[STREAK_CHECK_IN][last << 16 | days.run_ending_on(last, bits, last)] += sign


def contribute_check_ins(cells: Cells, last: int, bits: int, since: int, sign: int) -> None:
    """Add ``sign`` × what the set of check-in days adds to streak cells from ``since`` on."""
    streaks = cells.families[STREAK_CHECK_IN]
    for day in days.iterate(last, bits, since):
        streaks[day << 16 | days.run_ending_on(last, bits, day)] += sign
