"""Seeded test data that is hostile on purpose, as NDJSON for the command line or as messages in partitions."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.days import day_number
from tests.oracle.hostile import malformed, odd, to_json
from tests.oracle.judge import Message
from tests.oracle.murmur2 import partition_of
from tests.oracle.personas import DAY_MS, USER_IDS, Act, everyone, midnight_ms

__all__ = ["CATALOG", "Dataset", "Line", "Size", "generate"]

_HOUR_MS: Final = 60 * 60 * 1000
_MINUTE_MS: Final = 60 * 1000
_DISORDER_MS: Final = 20 * _HOUR_MS
_FAR_FUTURE: Final = ("2199-12-31T23:59:59Z", 4_102_444_800_000, 253_402_300_799_999, 2**62)

#: The apps of the data; nobody else's events are accepted.
CATALOG: Final = AppCatalog(
    listed={
        "wx-default": AppSettings(),
        "wx-newyork": AppSettings(
            time_zone="America/New_York",
            day_cutoff_minutes=240,
            make_up_days=7,
            segments=("channel", "campaign", "scene", "inviter_id"),
        ),
        "wx-strict": AppSettings(
            time_zone="Asia/Kathmandu",
            allowed_lateness=1,
            strict=True,
            qualifying=frozenset({"app_open", "order_paid", "check_in"}),
        ),
        "wx-island": AppSettings(
            time_zone="Pacific/Kiritimati", allowed_lateness=0, make_up_days=0, segments=("platform",)
        ),
        "wx-patient": AppSettings(
            time_zone="UTC", allowed_lateness=10, not_qualifying=frozenset({"message_sent", "app_close"}), segments=()
        ),
    }
)
_EVENTS: Final = ("app_open", "app_close", "page_view", "check_in", "share", "order_paid", "comment", "my_own_2")
_CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "scene": (1001, "1001", 1089, "自定义"),
    "platform": ("ios", "android", "windows", "", None),
    "app_version": ("1.0.0", "1.10.0"),
    "channel": ("qr", "share", "广告 投放", "", None),
    "campaign": ("spring'24", "none"),
    "variant": ("A", "B"),
    "page": ("pages/index", "pages/订单"),
    "city": ("北京", "São Paulo"),
    "district": ("朝阳",),
    "inviter_id": USER_IDS[:4],
    "duration_ms": (0, 1234),
    "amount": (1, 990),
    "props": ({}, {"k": "v", "n": 1.5}),
}
_OFFSETS_MINUTES: Final = (0, 480, -300, -240, 345, 840, -720, 330)


@dataclass(frozen=True, slots=True)
class Size:
    """How much data: ten days or more from ``first``, and ordinary users, besides the special ones, with habits."""

    users: int = 60
    days: int = 85
    first: date = date(2023, 12, 20)
    events_per_day: int = 3
    repeats: float = 0.15


@dataclass(frozen=True, slots=True)
class Line:
    """One message as a backend sends it at ``sent_ms``; ``astray`` is how many partitions off its key's it goes."""

    sent_ms: int
    value: bytes | None
    key: bytes | None
    astray: int = 0


@dataclass(frozen=True, slots=True)
class Dataset:
    """Lines in the order of sending."""

    lines: tuple[Line, ...]
    catalog: AppCatalog

    def ndjson(self) -> bytes:
        """The values as lines of a file, but for those that a line cannot hold: empty ones and none."""
        return b"".join(line.value + b"\n" for line in self.lines if line.value and b"\n" not in line.value)

    def messages(self, partitions: int) -> list[Message]:
        """The lines as records of ``mp.events``; those without a key go around."""
        messages = []
        offsets = [0] * partitions
        for number, line in enumerate(self.lines):
            keyed = number if line.key is None else partition_of(line.key, partitions)
            partition = (keyed + line.astray) % partitions
            messages.append(Message(partition, offsets[partition], line.key, line.value, line.sent_ms))
            offsets[partition] += 1
        return messages


def generate(seed: int, size: Size | None = None, catalog: AppCatalog = CATALOG) -> Dataset:
    """The same data for the same arguments."""
    return _Generator(random.Random(seed), size or Size(), catalog).run()


class _Generator:
    def __init__(self, rng: random.Random, size: Size, catalog: AppCatalog) -> None:
        self._rng = rng
        self._size = size
        self._catalog = catalog
        self._last = size.first + timedelta(days=size.days - 1)
        self._taken: set[tuple[str, str, int]] = set()
        self._told: Counter[tuple[str, str]] = Counter()

    def run(self) -> Dataset:
        lines: list[Line] = []
        for app_id, app in sorted(self._catalog.listed.items()):
            acts = [*everyone(self._rng, app, self._size.first, self._last), *self._ordinary(app)]
            lines += [self._line(app_id, act) for act in acts]
        lines += [self._repeat(line) for line in lines if self._rng.random() < self._size.repeats]
        end_ms = (day_number(self._last) + 2) * DAY_MS  # the last day is over everywhere; the rest never arrives
        lines = [self._mislaid(line) for line in sorted(lines, key=_sent) if line.sent_ms < end_ms]
        # Nothing hostile moves the latest day beyond the last one.
        lines += self._hostile(lines[0].sent_ms, end_ms - 4 * DAY_MS)
        return Dataset(tuple(sorted(lines, key=_sent)), self._catalog)

    def _ordinary(self, app: AppSettings) -> list[Act]:
        """Users with habits of their own; the first ones have hostile ids, and all of them are in every app."""
        acts = []
        midnights = [midnight_ms(app, self._size.first + timedelta(days=day)) for day in range(self._size.days)]
        for number in range(self._size.users):
            user_id = USER_IDS[number] if number < len(USER_IDS) else f"用户 {number}"
            habit = self._rng.random()
            for day in range(self._rng.randrange(self._size.days), self._size.days):
                if self._rng.random() < habit:
                    for _ in range(self._rng.randint(1, 2 * self._size.events_per_day - 1)):
                        ts_ms = midnights[day] + self._rng.randrange(DAY_MS)
                        acts.append(Act(user_id, ts_ms, self._rng.choice(_EVENTS)))
        return acts

    def _line(self, app_id: str, act: Act) -> Line:
        ts_ms = act.ts_ms
        while (app_id, act.user_id, ts_ms) in self._taken:  # no ties: a user's earliest event is one
            ts_ms += 1
        self._taken.add((app_id, act.user_id, ts_ms))
        self._told[app_id, act.user_id] += 1  # ids repeat across users and apps, where they are no repeats
        fields = {
            "event_id": f"事件 {self._told[app_id, act.user_id]}",
            "app_id": app_id,
            "user_id": act.user_id,
            "event": act.event,
            "ts": self._written(ts_ms),
        }
        for name in self._rng.sample(sorted(_CHOICES), self._rng.randrange(6)):
            fields[name] = self._rng.choice(_CHOICES[name])
        shuffled = list({**fields, **act.fields}.items())
        self._rng.shuffle(shuffled)
        delay_ms = self._delay_ms() if act.delay_ms is None else act.delay_ms
        return Line(ts_ms + delay_ms, to_json(dict(shuffled)), act.user_id.encode())

    def _delay_ms(self) -> int:
        longest = self._rng.choices((_MINUTE_MS, 2 * _HOUR_MS, _DISORDER_MS), (6, 3, 1))[0]
        return self._rng.randrange(longest)

    def _written(self, ts_ms: int) -> int | str:
        """The same instant as an integer or in one of the forms of RFC 3339."""
        if self._rng.random() < 0.5:
            return ts_ms
        ahead = timedelta(minutes=self._rng.choice(_OFFSETS_MINUTES))
        wall = datetime.fromtimestamp(ts_ms // 1000, UTC).astimezone(timezone(ahead))
        text, offset = wall.strftime("%Y-%m-%dT%H:%M:%S"), wall.strftime("%z")
        ms = ts_ms % 1000
        fractions = [f".{ms:03}", f".{ms:03}{self._rng.randrange(1000):03}", f".{ms:03}999999"]
        if not ms:
            fractions += ["", ".0"]
        zone = f"{offset[:3]}:{offset[3:]}" if ahead else self._rng.choice(("Z", "+00:00", "-00:00"))
        return text + self._rng.choice(fractions) + zone

    def _repeat(self, line: Line) -> Line:
        """The same event once more: in the same batch, hours later, or when its day may be closed."""
        later = self._rng.choice((0, 1, self._rng.randrange(_DISORDER_MS), 2 * DAY_MS, 9 * DAY_MS))
        return replace(line, sent_ms=line.sent_ms + later)

    def _mislaid(self, line: Line) -> Line:
        """Now and then no key, a foreign one, or the wrong partition for the right key."""
        fate = self._rng.random()
        if fate < 0.01:
            return replace(line, key=None)
        if fate < 0.02:
            return replace(line, key=self._rng.choice((b"", b"\xff\x00", b"someone else", (line.key or b"") + b" ")))
        if fate < 0.03:
            return replace(line, astray=self._rng.randint(1, 3))
        return line

    def _hostile(self, start_ms: int, end_ms: int) -> Iterator[Line]:
        """Everything malformed, everything odd, the far future and the edge of it."""
        for app_id, app in sorted(self._catalog.listed.items()):
            sent_ms = self._rng.randrange(start_ms, end_ms)
            good = {"event_id": "0", "app_id": app_id, "user_id": "hostile 敌", "event": "app_open", "ts": sent_ms}
            values: list[bytes | None] = [to_json({**good, "app_id": "wx-unlisted"}), *malformed(good).values()]
            values += [to_json({**good, "ts": ts}) for ts in _FAR_FUTURE]
            if app.strict:
                values.append(to_json({**good, "is_first_day": True}))
            else:
                values += odd(good).values()
            # 24 hours ahead of its record is allowed, a millisecond more is not.
            values += [to_json({**good, "event_id": f"{ms}", "ts": sent_ms + DAY_MS + ms}) for ms in (1, 0)]
            yield from (Line(sent_ms, value, "hostile 敌".encode()) for value in values)
            yield Line(sent_ms, b"not an event", None)


def _sent(line: Line) -> int:
    return line.sent_ms
