"""The work of a stateful peer: per user the set of active days and the last one, and what a new day adds to retention.

It is less than the pipeline does: no validation, no duplicates by event id, no other families of cells, nothing in
ClickHouse.
"""

from typing import Any, NamedTuple

__all__ = ["Activity", "fold", "local_day"]

_ZONE_MS = 8 * 3_600_000
_DAY_MS = 86_400_000


class Activity(NamedTuple):
    """First and last active day, days since 1970-01-01, and the active days as bits, counted from the first day."""

    first: int
    last: int
    days: int


def local_day(event: dict[str, Any]) -> int:
    """The day in Asia/Shanghai, which is always 8 hours ahead of UTC in the years of interest."""
    return int((event["ts"] + _ZONE_MS) // _DAY_MS)


def fold(before: Activity | None, day: int) -> tuple[Activity, tuple[int, int] | None]:
    """The state after activity on ``day``, and, if that day is new, the cell (first day, offset) that it adds to."""
    if before is None:
        return Activity(day, day, 1), (day, 0)
    first, last, days = before
    if day < first:
        return Activity(day, last, days << (first - day) | 1), (day, 0)
    bit = 1 << day - first
    if days & bit:
        return before, None
    return Activity(first, max(last, day), days | bit), (first, day - first)
