"""What users who come in order add: ``contributions.mark`` for many at once.

A flush counts the users together who have the same days: most are alike when they come once or a few times. Regulars
hardly ever are. Where the sets of one day are many, they are marked in columns: 1 000 in a tenth of the time. A test
compares both ways.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

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
    UNBOUNDED,
    WAU,
    Cells,
)
from streams.core.columns import DaySets, Group, Ints, unpacked
from streams.core.contributions import mark, mark_unbounded

__all__ = ["mark_all"]

_WEEK: Final = 7
_MONTH_WINDOW: Final = 30
_HISTOGRAMS: Final = ((HISTOGRAM_7, 7), (HISTOGRAM_28, 28))
#: Fewer sets of one day than this are faster one by one.
_FEW: Final = 32
#: Sets taken at once. More are no faster, and all take the room of the longest: 40 MiB for sets of 26 years.
_AT_ONCE: Final = 2_000

#: Sets of days that end on one day, and how many users have each.
_Alike = list[tuple[int, int]]


def mark_all(cells: Cells, marks: Mapping[tuple[int, int], int]) -> None:
    """Add what the latest day of each set changes, for all its users, but for segments.

    ``marks`` holds the number of users, at least 1, by ``(last, bits)``, a set as in ``streams.core.days``.
    """
    by_day: dict[int, _Alike] = {}
    for (last, bits), users in marks.items():
        by_day.setdefault(last, []).append((bits, users))
    for day, alike in by_day.items():
        if len(alike) < _FEW:
            _mark_each(cells, day, alike)
        else:
            for begin in range(0, len(alike), _AT_ONCE):
                _mark_columns(cells, day, alike[begin : begin + _AT_ONCE])


def _mark_each(cells: Cells, day: int, alike: _Alike) -> None:
    for bits, users in alike:
        first, before = days.first(day, bits), bits ^ 1
        mark(cells, first, before, day, 0, users)
        previous = day - (before & -before).bit_length() + 1
        mark_unbounded(cells, first, previous - first if before else -1, day, users)


def _mark_columns(cells: Cells, day: int, alike: _Alike) -> None:
    length = np.array([bits.bit_length() for bits, _ in alike], np.int64)
    width = (int(length.max()) + 7) // 8
    raw = b"".join([bits.to_bytes(width, "little") for bits, _ in alike])
    sets = DaySets(np.full(len(alike), day), length, np.frombuffer(raw, np.uint8).reshape(-1, width))
    group = Group(day, sets.first, unpacked(sets, np.arange(len(alike))))
    users = np.array([users for _, users in alike], np.int64)
    _daily(cells, group, users)
    _weekly(cells, group, users)
    _monthly(cells, group, users)
    _windows(cells, group, users)
    _unbounded(cells, group, users)


def _add(numbers: dict[int, int], keys: Ints, users: Ints) -> None:
    """Add ``users[i]`` to the cell ``keys[i]``."""
    distinct, places = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, places, users)
    for key, change in zip(distinct.tolist(), sums.tolist(), strict=True):
        numbers[key] += change


def _daily(cells: Cells, group: Group, users: Ints) -> None:
    day, age = group.last, group.last - group.first
    near = age <= HORIZON_DAYS
    _add(cells.families[NEW_DAILY], group.first[near] << 16 | age[near], users[near])
    returned = users @ group.active[:, : ACTIVE_HORIZON_DAYS + 1]
    n = np.flatnonzero(returned)
    _add(cells.families[ACTIVE_DAILY], (day - n) << 16 | n, returned[n])
    _add(cells.families[STREAK_ACTIVITY], day << 16 | np.argmin(group.active, axis=1), users)


def _weekly(cells: Cells, group: Group, users: Ints) -> None:
    week = week_start(group.last)
    group, users = _first_since(group, users, week)
    cohort = group.first - (group.first + 3) % _WEEK
    k = (week - cohort) // _WEEK
    near = k <= HORIZON_WEEKS
    _add(cells.families[NEW_WEEKLY], cohort[near] << 16 | k[near], users[near])
    for n in range(ACTIVE_HORIZON_WEEKS + 1):
        start = week - _WEEK * n
        if returned := int(users[group.between(start, start + _WEEK - 1)].sum()):
            cells.families[ACTIVE_WEEKLY][start << 16 | n] += returned


def _monthly(cells: Cells, group: Group, users: Ints) -> None:
    start = month_start(group.last)
    end = next_month(start)
    group, users = _first_since(group, users, start)
    for n in range(HORIZON_MONTHS + 1):
        if began := int(users[(group.first >= start) & (group.first < end)].sum()):
            cells.families[NEW_MONTHLY][start << 16 | n] += began
        if returned := int(users[group.between(start, end - 1)].sum()):
            cells.families[ACTIVE_MONTHLY][start << 16 | n] += returned
        start, end = previous_month(start), start


def _first_since(group: Group, users: Ints, start: int) -> tuple[Group, Ints]:
    """Those who were not there between ``start`` and the day before the latest."""
    new = ~group.active[:, 1 : group.last - start + 1].any(axis=1)
    return Group(group.last, group.first[new], group.active[new]), users[new]


def _windows(cells: Cells, group: Group, users: Ints) -> None:
    day = group.last
    # By number of days that a window reaches back: how many of them, but for the new one, it holds.
    earlier: Ints = np.cumsum(group.active[:, :_MONTH_WINDOW], axis=1, dtype=np.int64) - 1
    furthest = earlier.shape[1]
    for family, width in ((WAU, _WEEK), (MAU, _MONTH_WINDOW)):
        for x in range(day, day + width):
            inside = earlier[:, min(day + width - x, furthest) - 1]
            if came := int(users[inside == 0].sum()):
                cells.families[family][x << 16] += came
    for family, width in _HISTOGRAMS:
        for x in range(day, day + width):
            inside = earlier[:, min(day + width - x, furthest) - 1]
            _move(cells.families[family], x << 16, inside, users)


def _move(histogram: dict[int, int], start: int, inside: Ints, users: Ints) -> None:
    """Users with so many days ``inside`` a window have one more."""
    moved = np.bincount(inside, weights=users).astype(np.int64)
    for count in np.flatnonzero(moved).tolist():
        if count:
            histogram[start | count] -= int(moved[count])
        histogram[start | count + 1] += int(moved[count])


def _unbounded(cells: Cells, group: Group, users: Ints) -> None:
    """From the offset after the one that was reached before to that of the latest day."""
    reach = group.last - group.first
    near = reach <= HORIZON_DAYS
    reach, first, users = reach[near], group.first[near], users[near]
    active = group.active[near, 1:]
    # Who never came before has reached nothing: the first day itself is new.
    gap = np.where(active.any(axis=1), np.argmax(active, axis=1) + 1, reach + 1)
    ends = np.cumsum(gap)
    n = np.arange(int(gap.sum())) - np.repeat(ends - gap, gap) + np.repeat(reach - gap + 1, gap)
    _add(cells.families[UNBOUNDED], np.repeat(first, gap) << 16 | n, np.repeat(users, gap))
