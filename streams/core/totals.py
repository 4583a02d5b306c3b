"""Totals of open cells: changes since the last flush become absolute values, closed cells leave memory.

A change to a cell that has closed already is rare (a rekeyed event that took long, a far make-up) but must be exact:
then the totals are rebuilt from every user's state, from that cell's day on.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.core.app_fold import AppFold
from streams.core.cells import FAMILIES, Cells
from streams.core.state import UserState

__all__ = ["CellGroup", "close_cells", "is_closed", "oldest_change", "rebuild", "settle", "snapshot", "unsettle"]


class CellGroup(NamedTuple):
    """Absolute values of cells that share family and segment value: ``keys[i]`` (start << 16 | n) has ``users[i]``."""

    family: str
    segment: str
    value: str
    keys: list[int]
    users: list[int]


def oldest_change(app: AppFold) -> int | None:
    """The earliest last day among the cells that changed since the last flush."""
    return min(
        (last_day(key >> 16, key & 0xFFFF) for _, _, _, last_day, numbers in app.changes.groups() for key in numbers),
        default=None,
    )


def settle(app: AppFold) -> Iterator[CellGroup]:
    """Add the changes to the totals and give the new absolute values; the changes are empty afterwards.

    A cell that rose and fell again is given too: a worker that was cut off may have published it in between.
    """
    all_changes = app.changes
    for family, segment, value, _, changes in all_changes.groups():
        if not changes:
            continue
        totals = _totals(app, family, segment, value)
        for key, change in changes.items():
            totals[key] += change
        keys = list(changes)
        changes.clear()
        yield CellGroup(family, segment, value, keys, [totals[key] for key in keys])
    all_changes.segments.clear()


def unsettle(app: AppFold) -> None:
    """After a rebuild the totals hold the changes already: take them out, so that settling publishes and adds them."""
    for family, segment, value, _, changes in app.changes.groups():
        totals = _totals(app, family, segment, value)
        for key, change in changes.items():
            totals[key] -= change


def _totals(app: AppFold, family: str, segment: str, value: str) -> dict[int, int]:
    return app.totals.segments[segment, value] if segment else app.totals.families[FAMILIES.index(family)]


def snapshot(app: AppFold) -> Iterator[CellGroup]:
    """The absolute value of every open cell."""
    for family, segment, value, _, totals in app.totals.groups():
        if totals:
            yield CellGroup(family, segment, value, list(totals), list(totals.values()))


def rebuild(app: AppFold, users: Iterable[UserState], since: int) -> None:
    """Compute the totals of all cells that end on ``since`` or later from the states, changes included."""
    app.totals = Cells()
    for user in users:
        app.add_totals(user, since)


def close_cells(app: AppFold, before: int) -> None:
    """Forget the totals of cells whose last day is before ``before``: nothing changes them any more."""
    for _, _, _, last_day, totals in app.totals.groups():
        for key in [key for key in totals if last_day(key >> 16, key & 0xFFFF) < before]:
            del totals[key]
    for cut in [cut for cut, totals in app.totals.segments.items() if not totals]:
        del app.totals.segments[cut]


def is_closed(app: AppFold) -> bool:
    """Whether no cell is open: once settled, and with its users at rest, the app can be made anew when it is needed."""
    return not any(totals for _, _, _, _, totals in app.totals.groups())
