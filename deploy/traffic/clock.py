"""Local days of the generated app: China Standard Time, which has been UTC+8 without daylight saving since 1991."""

from datetime import date, timedelta
from typing import Final

__all__ = ["DAY_MS", "HOUR_MS", "MINUTE_MS", "SECOND_MS", "day_of", "day_start", "to_date", "weekday"]

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

_OFFSET_MS = 8 * HOUR_MS
_EPOCH = date(1970, 1, 1)
_EPOCH_WEEKDAY = 3  # a Thursday


def day_of(ms: int) -> int:
    """Local day (days since 1970-01-01) of the instant ``ms``."""
    return (ms + _OFFSET_MS) // DAY_MS


def day_start(day: int) -> int:
    """First millisecond of local day ``day``."""
    return day * DAY_MS - _OFFSET_MS


def to_date(day: int) -> date:
    """Calendar date of local day ``day``."""
    return _EPOCH + timedelta(days=day)


def weekday(day: int) -> int:
    """0 for Monday to 6 for Sunday."""
    return (day + _EPOCH_WEEKDAY) % 7
