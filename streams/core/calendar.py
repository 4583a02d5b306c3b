"""Local days, weeks and months. A day is an ``int``: days since 1970-01-01.

The local day of an instant is the date of its wall-clock time in the app's time zone less the day cut-off.
A week is Monday to Sunday and is named by its Monday; a month is named by its first day.
"""

from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["QUARTER_MS", "Calendar", "calendar_of", "month_start", "next_month", "previous_month", "week_start"]

#: Every change of a zone's offset since 2000 falls on a quarter of an hour (a test reads them all).
QUARTER_MS: Final = 900_000
_DAY_MS: Final = 86_400_000
#: A hundred days: an event that is not late has one of the latest 31.
_CACHED_QUARTERS: Final = 9_600
_ORDINAL_1970: Final = date(1970, 1, 1).toordinal()


class Calendar:
    """The local days of a time zone and day cut-off."""

    __slots__ = ("_cutoff_ms", "_zone", "by_quarter")

    def __init__(self, time_zone: str, cutoff_minutes: int) -> None:
        """``time_zone`` is an IANA name; the day begins ``cutoff_minutes`` after local midnight."""
        self._zone = ZoneInfo(time_zone)
        self._cutoff_ms = cutoff_minutes * 60_000
        #: Local days by quarter of an hour since the epoch: of those asked for that lie within one day.
        self.by_quarter: dict[int, int] = {}

    def local_day(self, ts_ms: int) -> int:
        """The local day of the instant ``ts_ms`` (milliseconds since the epoch, 2000 or later)."""
        quarter = ts_ms // QUARTER_MS
        day = self.by_quarter.get(quarter)
        return self._look_up(quarter, ts_ms) if day is None else day

    def _look_up(self, quarter: int, ts_ms: int) -> int:
        offset = datetime.fromtimestamp(quarter * (QUARTER_MS // 1000), UTC).astimezone(self._zone).utcoffset()
        assert offset is not None  # noqa: S101 - an aware datetime has an offset; tells mypy so
        shift = round(offset.total_seconds()) * 1000 - self._cutoff_ms
        first = (quarter * QUARTER_MS + shift) // _DAY_MS
        if first == (quarter * QUARTER_MS + QUARTER_MS - 1 + shift) // _DAY_MS:
            if len(self.by_quarter) >= _CACHED_QUARTERS:
                self.by_quarter.clear()
            self.by_quarter[quarter] = first
        return (ts_ms + shift) // _DAY_MS


@cache
def calendar_of(time_zone: str, cutoff_minutes: int) -> Calendar:
    """The ``Calendar`` that all apps with this time zone and cut-off share, in all partitions."""
    return Calendar(time_zone, cutoff_minutes)


def week_start(day: int) -> int:
    """The Monday of the week of ``day``."""
    return day - (day + 3) % 7


@lru_cache(maxsize=4096)
def month_start(day: int) -> int:
    """The first day of the month of ``day``."""
    return day - date.fromordinal(day + _ORDINAL_1970).day + 1


def next_month(start: int) -> int:
    """The first day of the month after the one that begins on ``start``."""
    return month_start(start + 31)


def previous_month(start: int) -> int:
    """The first day of the month before the one that begins on ``start``."""
    return month_start(start - 1)
