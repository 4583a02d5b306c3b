"""One visit, as the events that the mini-program and its order backend report.

An event here is a pair ``(ts, text)``: event time in ms, and the event as JSON of the public contract. The text is put
together from ready-made pieces, because filling and encoding a dict would take most of the generator's time.
"""

from datetime import datetime, timedelta, timezone
from itertools import accumulate
from random import Random
from typing import Final, TypeAlias

from deploy.traffic.channels import RETURNS
from deploy.traffic.clock import HOUR_MS, MINUTE_MS, SECOND_MS, to_date
from deploy.traffic.population import User

__all__ = ["MEAN_EVENTS", "TimedEvent", "arrival_entry", "return_entry", "visit"]

TimedEvent: TypeAlias = tuple[int, str]

#: Events of an average visit; live traffic divides its rate by it.
MEAN_EVENTS: Final = 8.2

_PAGES: Final = (
    "pages/menu/index",
    "pages/menu/index",
    "pages/item/detail",
    "pages/item/detail",
    "pages/check-in/index",
    "pages/coupons/index",
    "pages/stores/nearby",
    "pages/mine/index",
)
_READ_ON: Final = 0.82
_MEAN_DWELL_MS: Final = 9 * SECOND_MS
_LONGEST_DWELL_MS: Final = 4 * MINUTE_MS

_CHANCE_ORDER: Final = 0.07
_CHANCE_SHARE: Final = 0.06
_CHANCE_TASK: Final = 0.20
_CHANCE_COMMENT: Final = 0.01
_CHANCE_SUBSCRIBE: Final = 0.02
_CHANCE_REDEEM: Final = 0.01
#: A pick-up notice follows an order: the system's doing, which makes nobody active.
_CHANCE_NOTICE: Final = 0.8
_NOTICE_AFTER_MS: Final = 12 * MINUTE_MS

_CHINA: Final = timezone(timedelta(hours=8))
_EPOCH: Final = datetime(1970, 1, 1, 8, tzinfo=_CHINA)
_RETURN_WEIGHTS: Final = tuple(accumulate(entry.weight for entry in RETURNS))
_RETURN_TEXTS: Final = tuple(f',"scene":{entry.scene},"channel":"{entry.channel}"' for entry in RETURNS)


def arrival_entry(rng: Random, user: User) -> str:
    """How a new user comes in, as a piece of JSON: by the channel that won them."""
    text = f',"scene":{rng.choice(user.channel.scenes)},"channel":"{user.channel.name}"'
    return f'{text},"campaign":"{user.campaign}"' if user.campaign else text


def return_entry(rng: Random) -> str:
    """How a known user comes back, as a piece of JSON."""
    return rng.choices(_RETURN_TEXTS, cum_weights=_RETURN_WEIGHTS)[0]


def visit(
    rng: Random, user: User, start_ms: int, entry: str, *, version: str, check_in_days: tuple[int | None, ...] = ()
) -> list[TimedEvent]:
    """The events of one visit in the order in which they happen.

    Args:
        rng: source of all chance.
        user: who visits.
        start_ms: when the mini-program opens.
        entry: piece of JSON from ``arrival_entry`` or ``return_entry``.
        version: app version on the phone.
        check_in_days: check-ins of this visit: ``None`` for today's, a local day for one that is made up.
    """
    random, bits, head = rng.random, rng.getrandbits, user.head
    tail = entry + user.platform
    events = [
        (
            start_ms,
            f'{{"event_id":"{bits(64):016x}{head}app_open","ts":{start_ms},"app_version":"{version}"{user.profile}{tail}',
        )
    ]
    now = start_ms + 300 + int(random() * 900)
    page = "pages/index/index"
    while True:
        events.append((now, f'{{"event_id":"{bits(64):016x}{head}page_view","ts":{now},"page":"{page}"{tail}'))
        now += 700 + min(_LONGEST_DWELL_MS, int(rng.expovariate(1 / _MEAN_DWELL_MS)))
        if random() > _READ_ON:
            break
        page = _PAGES[int(random() * len(_PAGES))]

    def act(name: str, more: str = "") -> None:
        nonlocal now
        events.append((now, f'{{"event_id":"{bits(64):016x}{head}{name}","ts":{now}{more}{tail}'))
        now += 400 + int(random() * 5 * SECOND_MS)

    for day in check_in_days:
        act("check_in", "" if day is None else f',"for_day":"{to_date(day)}"')
    if check_in_days and random() < _CHANCE_TASK:
        act("task_done", ',"props":{"task":"invite_a_friend","points":20}')
    if random() < _CHANCE_SHARE:
        act("share", ',"page":"pages/item/detail"')
    if random() < _CHANCE_COMMENT:
        act("comment")
    if random() < _CHANCE_SUBSCRIBE:
        act("subscribe_accept")
    if random() < _CHANCE_REDEEM:
        act("points_redeemed", ',"props":{"points":200,"gift":"中杯奶茶"}')
    ordered = random() < _CHANCE_ORDER
    if ordered:
        events.append((now, _order(rng, head, now, tail)))
        now += 800 + int(random() * 4 * SECOND_MS)
    events.append(
        (now, f'{{"event_id":"{bits(64):016x}{head}app_close","ts":{now},"duration_ms":{now - start_ms}{tail}')
    )
    if ordered and random() < _CHANCE_NOTICE:
        now += _NOTICE_AFTER_MS + int(random() * HOUR_MS / 4)
        act("message_sent", ',"props":{"template":"pick_up"}')
    return events


def _order(rng: Random, head: str, now: int, tail: str) -> str:
    """A paid order in minor units (fen). Its backend writes the time as RFC 3339 text."""
    amount = 100 * rng.randint(12, 68) - rng.choice((0, 10, 50))
    ts = (_EPOCH + timedelta(milliseconds=now)).isoformat(timespec="milliseconds")
    return (
        f'{{"event_id":"{rng.getrandbits(64):016x}{head}order_paid","ts":"{ts}","amount":{amount}'
        f',"props":{{"cups":{rng.randint(1, 3)},"store":"静安寺店"}}{tail}'
    )
