"""Local days, weeks and months as whole days since 1970-01-01."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.apps import AppSettings

__all__ = ["day_number", "local_day", "month_after", "month_of", "to_date", "week_of"]

_EPOCH = date(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


def day_number(day: date) -> int:
    """Days from 1970-01-01 to ``day``."""
    return (day - _EPOCH).days


def to_date(day: int) -> date:
    """The inverse of ``day_number``."""
    return _EPOCH + timedelta(days=day)


def local_day(ts_ms: int, app: AppSettings) -> int:
    """The date that the clock on the wall shows in the app's zone, put back by the app's day cut-off.

    Raises:
        OverflowError: the instant lies outside the years 1 to 9999.
    """
    instant = _EPOCH_UTC + timedelta(milliseconds=ts_ms)
    wall = instant.astimezone(ZoneInfo(app.time_zone)).replace(tzinfo=None)
    return day_number((wall - timedelta(minutes=app.day_cutoff_minutes)).date())


def week_of(day: int) -> int:
    """The Monday of the week that holds ``day``."""
    return day - to_date(day).weekday()


def month_of(day: int) -> int:
    """The first day of the month that holds ``day``."""
    return day_number(to_date(day).replace(day=1))


def month_after(first: int, months: int) -> int:
    """The first day of the month ``months`` later than the one that begins on ``first``."""
    start = to_date(first)
    index = start.year * 12 + (start.month - 1) + months
    return day_number(date(index // 12, index % 12 + 1, 1))
