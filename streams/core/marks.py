"""What users who come in order add: ``contributions.mark`` for many at once.

A flush counts the users together who have the same days: most are alike when they come once or a few times. Regulars
hardly ever are. Where the sets of one day are many, they are marked in columns: 1 000 in a tenth of the time. A test
compares both ways.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from streams.core import days
from streams.core.calendar import month_start, week_start
from streams.core.cells import HISTOGRAM_7, HISTOGRAM_28, HORIZON_DAYS, MAU, UNBOUNDED, WAU, Cells
from streams.core.columns import Group, daily, monthly, sums, weekly
from streams.core.contributions import mark, mark_unbounded
from streams.core.day_sets import Ints, unpacked

__all__ = ["mark_all"]

_WEEK: Final = 7
_MONTH_WINDOW: Final = 30
#: The rolling windows: days, the family by active days in it, and that of all who were active in it.
_WINDOWS: Final = ((_WEEK, HISTOGRAM_7, WAU), (28, HISTOGRAM_28, None), (_MONTH_WINDOW, None, MAU))
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
    active = unpacked(np.frombuffer(raw, np.uint8).reshape(-1, width), int(length.max()))
    users = np.array([users for _, users in alike], np.int64)
    group = Group(day, day - length + 1, active, users)
    daily(cells, group, day)
    weekly(cells, _first_since(group, week_start(day)), day)
    monthly(cells, _first_since(group, month_start(day)), day)
    _windows(cells, group)
    _unbounded(cells, group)


def _first_since(group: Group, start: int) -> Group:
    """Those who were not there between ``start`` and the day before the latest."""
    new = ~group.active[:, 1 : group.last - start + 1].any(axis=1)
    return Group(group.last, group.first[new], group.active[new], group.users[new])


def _windows(cells: Cells, group: Group) -> None:
    day = group.last
    # By number of days that a window reaches back: how many of them, but for the new one, it holds.
    earlier: Ints = np.cumsum(group.active[:, :_MONTH_WINDOW], axis=1, dtype=np.int64) - 1
    furthest = earlier.shape[1]
    for width, histogram, visitors in _WINDOWS:
        for x in range(day, day + width):
            moved = sums(earlier[:, min(day + width - x, furthest) - 1], group.users)
            if visitors is not None and moved[0]:
                cells.families[visitors][x << 16] += int(moved[0])
            if histogram is not None:
                _move(cells.families[histogram], x << 16, moved)


def _move(histogram: dict[int, int], start: int, moved: Ints) -> None:
    """``moved[i]`` users with *i* days in the window have one more."""
    for count in np.flatnonzero(moved).tolist():
        if count:
            histogram[start | count] -= int(moved[count])
        histogram[start | count + 1] += int(moved[count])


def _unbounded(cells: Cells, group: Group) -> None:
    """From the offset after the one that was reached before to that of the latest day."""
    reach = group.last - group.first
    near = reach <= HORIZON_DAYS
    reach, first, users = reach[near], group.first[near], group.users[near]
    active = group.active[near, 1:]
    # Who never came before has reached nothing: the first day itself is new.
    gap = np.where(active.any(axis=1), np.argmax(active, axis=1) + 1, reach + 1)
    ends = np.cumsum(gap)
    n = np.arange(int(gap.sum())) - np.repeat(ends - gap, gap) + np.repeat(reach - gap + 1, gap)
    keys, places = np.unique(np.repeat(first, gap) << 16 | n, return_inverse=True)
    numbers = cells.families[UNBOUNDED]
    for key, change in zip(keys.tolist(), sums(places, np.repeat(users, gap)).tolist(), strict=True):
        numbers[key] += change
