"""Users who live on the edges of the definitions: what each did, when, and how late the backend told."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.apps import AppSettings
from tests.oracle.days import local_day, to_date

__all__ = ["DAY_MS", "USER_IDS", "Act", "edges", "everyone", "midnight_ms"]

DAY_MS: Final = 24 * 60 * 60 * 1000
_HOUR_MS: Final = 60 * 60 * 1000

#: Days around which an off-by-one shows: year end, leap day, both changes of the clocks in New York.
_EDGE_DAYS: Final = (
    date(2023, 11, 5),
    date(2023, 11, 6),
    date(2024, 1, 1),
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2024, 3, 10),
    date(2024, 3, 11),
)

#: Ids that break what does not treat a user id as bare text.
USER_IDS: Final = (
    "张伟",
    "用户 一",
    " leading and trailing ",
    "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    "🐼熊猫👨‍👩‍👧",
    "caf\u00e9",
    "cafe\u0301",
    "CAF\u00c9",
    "quote'\"`\\n",
    "tab\tand\nnewline",
    "nul\0inside",
    "null",
    "0",
    "%2F{brace}",
    "\u200bzero\u2060width\ufeff",
    "日" * 128,
    "😀" * 128,
)


@dataclass(frozen=True, slots=True)
class Act:
    """Something a user did at ``ts_ms``, told ``delay_ms`` later; ``None`` leaves the delay to chance."""

    user_id: str
    ts_ms: int
    event: str
    delay_ms: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)


def midnight_ms(app: AppSettings, day: date) -> int:
    """The instant in which the local ``day`` of the app begins."""
    wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(app.time_zone))
    return round((wall + timedelta(minutes=app.day_cutoff_minutes)).timestamp()) * 1000


def edges(app: AppSettings, first: date, last: date) -> Iterator[Act]:
    """Users 1 ms either side of a local midnight, and one of them on both sides, for each edge day in the range."""
    for day in _EDGE_DAYS:
        if first < day < last:
            midnight = midnight_ms(app, day)
            for name, offset in (
                ("before", -1),
                ("at", 0),
                ("after", 1),
                ("hour before", -_HOUR_MS),
                ("hour", _HOUR_MS),
            ):
                yield Act(f"{name} {day}", midnight + offset, "app_open")
                yield Act(f"both sides {day}", midnight + offset, "page_view")


def everyone(rng: random.Random, app: AppSettings, first: date, last: date) -> Iterator[Act]:
    """All the special users of one app."""
    span = (last - first).days

    def noon(offset: int) -> int:
        return midnight_ms(app, first + timedelta(days=offset)) + 12 * _HOUR_MS + rng.randrange(_HOUR_MS)

    yield from edges(app, first, last)
    yield Act("once only", noon(rng.randrange(span)), "app_open")
    yield Act("once, then only told", noon(0), "app_open")
    for offset in range(1, span):
        yield Act("once, then only told", noon(offset), "message_sent")
        yield Act("only told", noon(offset), "message_sent")
        yield Act("every day", noon(offset), "app_open")
    for user_id, offsets in (("new at last", (span,)), ("back at last", (span - 2, span)), ("gone", (span - 1,))):
        for offset in offsets:
            yield Act(user_id, noon(offset), "app_open", 0)
    for absence in (1, 6, 7, 29, 30, 31, 40):
        if absence < span:
            start = rng.randrange(span - absence)
            yield Act(f"back after {absence}", noon(start), "app_open")
            yield Act(f"back after {absence}", noon(start + absence), "order_paid")
    for number in range(6):
        yield from _moved_first_day(rng, f"moved first day {number}", noon, span)
        yield from _check_ins(rng, app, f"checks in 签到 {number}", noon, span)
    yield from _late(rng, app, noon, span)


def _moved_first_day(rng: random.Random, user_id: str, noon: Callable[[int], int], span: int) -> Iterator[Act]:
    """The first event arrives, then, while its day is open, one of two days before."""
    offset = rng.randrange(2, span)
    later = noon(offset)
    earlier = noon(offset - 2)
    yield Act(user_id, later, "app_open", 0, {"channel": "second"})
    yield Act(user_id, earlier, "app_open", later - earlier + 60_000, {"channel": "first"})


def _check_ins(
    rng: random.Random, app: AppSettings, user_id: str, noon: Callable[[int], int], span: int
) -> Iterator[Act]:
    """A habit with holes, most of them filled later, some by more days than the app allows."""
    for offset in range(span):
        if rng.random() < 0.3:
            continue
        ts_ms = noon(offset)
        yield Act(user_id, ts_ms, "check_in")
        if rng.random() < 0.3:
            back = rng.randrange(-1, app.make_up_days + 2)
            filled = to_date(local_day(ts_ms, app) - back)
            yield Act(user_id, ts_ms + _HOUR_MS, "check_in", None, {"for_day": filled.isoformat()})


def _late(rng: random.Random, app: AppSettings, noon: Callable[[int], int], span: int) -> Iterator[Act]:
    """Told exactly as many days later as the app allows, one more, and far more."""
    for days in (app.allowed_lateness, app.allowed_lateness + 1, app.allowed_lateness + 2, 35):
        for number in range(3):
            if days < span:
                yield Act(f"told late {number}", noon(rng.randrange(span - days)), "app_open", days * DAY_MS)
