"""The contributions of many users at once, in columns: what recovery computes the totals of open cells with.

``contribute_all`` adds exactly what ``streams.core.contributions.contribute`` adds user by user (a test compares them),
at about a hundredth of the time. Users are taken together by their last day: then bit *i* is the same day for all.
A flush takes ``daily``, ``weekly`` and ``monthly`` for those who have just come (``streams.core.marks``).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

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
from streams.core.day_sets import DaySets, Flags, Ints, stretches
from streams.core.state import Attributes

__all__ = [
    "Group",
    "contribute_all",
    "contribute_check_ins_all",
    "contribute_segments_all",
    "daily",
    "monthly",
    "sums",
    "weekly",
]

_WEEK: Final = 7
_MONTH_WINDOW: Final = 30
_MONTH_HISTOGRAM: Final = 28
#: Of users whose last day is further before ``since``, no open cell but the unbounded ones knows.
_LOOK_BACK: Final = 30


def contribute_all(cells: Cells, users: DaySets, since: int) -> None:
    """Add what the sets of active days add to cells that end on ``since`` or later, but for segments."""
    _unbounded(cells, users, since)
    first = users.first
    for last, rows in users.by_last_day(since - _LOOK_BACK):
        group = Group(last, first[rows], users.flags(rows), np.ones(len(rows), np.int64))
        # No cell that ends before their first day knows them.
        begin = max(since, int(group.first.min()))
        for day in range(begin, last + 1):
            daily(cells, group, day)
        weekly(cells, group, begin)
        monthly(cells, group, begin)
        _windows(cells, group, begin)


class Group(NamedTuple):
    """Sets of days with the same last day. ``active[u, i]``: users u were active on the day *i* before ``last``.

    Behind the earliest day of all there is a column of False. ``users`` says how many have each set.
    """

    last: int
    first: Ints
    active: Flags
    users: Ints

    def on(self, day: int) -> Flags:
        """Who was active on ``day``, which lies between the earliest first day and ``last``."""
        return self.active[:, self.last - day]

    def between(self, begin: int, end: int) -> Flags:
        """Who was active on a day of [``begin``, ``end``]."""
        days = self.active[:, max(0, self.last - end) : max(0, self.last - begin + 1)]
        there: Flags = np.logical_or.reduce(days, axis=1)
        return there


def _count(cells: Cells, family: int, start: int, counts: Ints, *, step: int = 0) -> None:
    """Add ``counts[n]`` to the cells (``start`` − n × ``step``, n) of ``family``, zeros left out."""
    numbers = cells.families[family]
    for n in np.flatnonzero(counts).tolist():
        numbers[(start - n * step) << 16 | n] += int(counts[n])


def sums(numbers: Ints, users: Ints) -> Ints:
    """By number, how many users have it."""
    return np.bincount(numbers, weights=users).astype(np.int64)


def _runs(active: Flags) -> Ints:
    """With how many set flags each row begins; the last column is never set."""
    lengths: Ints = np.argmin(active, axis=1)
    return lengths


def daily(cells: Cells, group: Group, day: int) -> None:
    """Add what being active on ``day`` adds to the cells that end on it."""
    there = group.on(day)
    index = group.last - day
    active = group.active[there, index:]
    if not len(active):
        return
    age, users = day - group.first[there], group.users[there]
    near = age <= HORIZON_DAYS
    _count(cells, NEW_DAILY, day, sums(age[near], users[near]), step=1)
    _count(cells, ACTIVE_DAILY, day, users @ active[:, : ACTIVE_HORIZON_DAYS + 1], step=1)
    _count(cells, STREAK_ACTIVITY, day, sums(_runs(active), users))


def weekly(cells: Cells, group: Group, since: int) -> None:
    """Add what being active in the week of ``since`` and in each later one adds."""
    cohort = group.first - (group.first + 3) % _WEEK
    for week in range(week_start(since), group.last + 1, _WEEK):
        there = group.between(week, week + _WEEK - 1)
        k, users = (week - cohort[there]) // _WEEK, group.users[there]
        near = k <= HORIZON_WEEKS
        _count(cells, NEW_WEEKLY, week, sums(k[near], users[near]), step=_WEEK)
        both = [
            there & group.between(week - _WEEK * k, week - _WEEK * k + _WEEK - 1)
            for k in range(ACTIVE_HORIZON_WEEKS + 1)
        ]
        _count(cells, ACTIVE_WEEKLY, week, np.array([group.users[flags].sum() for flags in both]), step=_WEEK)


def monthly(cells: Cells, group: Group, since: int) -> None:
    """Add what being active in the month of ``since`` and in each later one adds."""
    month = month_start(since)
    while month <= group.last:
        there = group.between(month, next_month(month) - 1)
        start, end = month, next_month(month)
        for k in range(HORIZON_MONTHS + 1):
            began = there & (group.first >= start) & (group.first < end)
            if returned := int(group.users[began].sum()):
                cells.families[NEW_MONTHLY][start << 16 | k] += returned
            if both := int(group.users[there & group.between(start, end - 1)].sum()):
                cells.families[ACTIVE_MONTHLY][start << 16 | k] += both
            start, end = previous_month(start), start
        month = next_month(month)


def _windows(cells: Cells, group: Group, since: int) -> None:
    reach = min(group.last - since + _MONTH_WINDOW, group.active.shape[1])
    # Active days among the latest ``i``, by i; differences of these give any window.
    latest = np.zeros((len(group.first), reach + 1), np.int16)
    np.cumsum(group.active[:, :reach], axis=1, out=latest[:, 1:], dtype=np.int16)
    for family, width in ((HISTOGRAM_7, _WEEK), (HISTOGRAM_28, _MONTH_HISTOGRAM), (MAU, _MONTH_WINDOW)):
        for x in range(since, group.last + width):
            begin, end = min(reach, max(0, group.last - x)), min(reach, group.last - x + width)
            counts = sums(latest[:, end] - latest[:, begin], group.users)
            counts[0] = 0
            total = int(counts.sum())
            if family == MAU:
                cells.families[MAU][x << 16] += total
                continue
            _count(cells, family, x, counts)
            if family == HISTOGRAM_7:
                cells.families[WAU][x << 16] += total


def _unbounded(cells: Cells, users: DaySets, since: int) -> None:
    rows = np.flatnonzero(users.first + HORIZON_DAYS >= since)
    first = users.first[rows]
    reach = users.last[rows] - first
    for index in np.flatnonzero(reach > HORIZON_DAYS).tolist():
        # The days within the horizon: those from bit ``reach - 365`` on.
        beyond = int(reach[index]) - HORIZON_DAYS
        within = users.bits(rows[index]) >> beyond
        reach[index] = HORIZON_DAYS - ((within & -within).bit_length() - 1)
    pairs, numbers = np.unique(first << 16 | reach, return_counts=True)
    for start, begin, end in stretches(pairs >> 16):
        reached = np.bincount(pairs[begin:end] & 0xFFFF, weights=numbers[begin:end]).astype(np.int64)
        _count(cells, UNBOUNDED, start, reached[::-1].cumsum()[::-1])


def contribute_segments_all(
    cells: Cells,
    users: DaySets,
    codes: Ints,
    attributes: Sequence[Attributes],
    *,
    segments: Sequence[tuple[str, int]],
    since: int,
) -> None:
    """Add what the users add to ``new_daily_segment`` cells that end on ``since`` or later.

    ``codes`` gives each user's index in ``attributes``; ``segments`` are names with their place in the attributes.
    """
    first = users.first
    cuts = [_values(name, [one[place] for one in attributes]) for name, place in segments]
    for last, rows in users.by_last_day(since):
        group = Group(last, first[rows], users.flags(rows), np.ones(len(rows), np.int64))
        for day in range(max(since, int(group.first.min())), last + 1):
            there = group.on(day) & (day - group.first <= HORIZON_DAYS)
            age, code = day - group.first[there], codes[rows[there]]
            for keys, value_of_code in cuts:
                counts = np.bincount(value_of_code[code] * (HORIZON_DAYS + 1) + age)
                for found in np.flatnonzero(counts).tolist():
                    value, n = divmod(found, HORIZON_DAYS + 1)
                    cells.segments[keys[value]][(day - n) << 16 | n] += int(counts[found])


def _values(name: str, texts: Sequence[str]) -> tuple[list[tuple[str, str]], Ints]:
    """The distinct (segment, value) pairs, and for each code which of them it is."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return [(name, text) for text in places], np.array([places[text] for text in texts], np.int64)


def contribute_check_ins_all(cells: Cells, check_ins: DaySets, since: int) -> None:
    """Add what the sets of check-in days add to the cells of check-in streaks from ``since`` on."""
    for last, rows in check_ins.by_last_day(since):
        filled = check_ins.flags(rows)
        for day in range(max(since, last - filled.shape[1] + 1), last + 1):
            index = last - day
            there = filled[:, index]
            if there.any():
                _count(cells, STREAK_CHECK_IN, day, np.bincount(_runs(filled[there, index:])))
