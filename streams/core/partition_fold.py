"""The fold of one partition number: judge each message in offset order, then fold it into its user's state.

Everything here is a pure function of the messages in order: no clock, no randomness. A replay decides as the live
run did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from schemas.apps import AppCatalog
from schemas.dead_letter import DeadLetter, Reason
from schemas.errors import InvalidEvent
from schemas.event import CHECK_IN, MAX_TS, Event
from schemas.topics import EVENTS, REKEYED
from streams.core.app_fold import AppFold
from streams.core.calendar import QUARTER_MS
from streams.core.progress import Progress
from streams.core.state import UserState

__all__ = ["EPOCH_HEADER", "Message", "PartitionFold", "Rekeyed"]

#: An event may be this much ahead of its Kafka record's own timestamp (clock skew), in milliseconds.
_FUTURE_MS: Final = 24 * 60 * 60 * 1000
#: Header of a forwarded message: the epoch whose worker judged and forwarded it.
EPOCH_HEADER: Final = "epoch"
_BEYOND_2100: Final = "ts lies beyond the year 2100"


class Message(Protocol):
    """A Kafka record; ``timestamp`` is milliseconds since the epoch."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A message whose user lives in ``partition``, to be forwarded there."""

    partition: int
    user_id: str
    value: bytes
    timestamp: int
    origin_offset: int


class PartitionFold:
    """Working state of one partition number of the input topics."""

    def __init__(
        self,
        partition: int,
        epoch: int,
        apps: AppCatalog,
        progress: Progress,
        *,
        load: Callable[[str, str], UserState | None],
        home: Callable[[str], int],
    ) -> None:
        """Continue from ``progress``.

        ``load`` gives a user's last durable state, ``home`` the partition of a user id.
        """
        self.partition = partition
        self._epoch = str(epoch).encode()
        self.progress = progress
        self.apps: dict[str, AppFold] = {}
        #: Those of them that were asked for since the last flush: in no other has anything changed.
        self.touched: dict[str, AppFold] = {}
        #: Decoded states, over all apps.
        self.users_in_memory = 0
        self.dead: list[DeadLetter] = []
        self.outgoing: list[Rekeyed] = []
        #: Events accepted and repeated, over all users, by topic.
        self.accepted = {EVENTS.name: 0, REKEYED.name: 0}
        self.repeated = {EVENTS.name: 0, REKEYED.name: 0}
        self._catalog = apps
        self._load = load
        self._home = home

    def app(self, app_id: str) -> AppFold | None:
        """The fold of ``app_id``, made on first sight; ``None`` when the catalog does not list it."""
        fold = self.touched.get(app_id)
        if fold is not None:
            return fold
        fold = self.apps.get(app_id)
        if fold is None:
            settings = self._catalog.get(app_id)
            if settings is None:
                return None
            fold = self.apps[app_id] = AppFold(app_id, settings)
        self.touched[app_id] = fold
        return fold

    def fold_events(  # noqa: PLR0912, PLR0915 - the hot loop: one branch a rule, in the order of the definitions
        self, messages: Sequence[Message], events: Sequence[Event | InvalidEvent]
    ) -> None:
        """Judge and fold a batch of ``mp.events``; ``events`` are the validated values of ``messages``."""
        progress = self.progress.events
        expected, watermark = progress.next_offset, progress.watermark
        consumed = accepted = repeated = 0
        app_id, app = "", None
        for message, event in zip(messages, events, strict=True):
            offset = message.offset
            if offset < expected:
                continue
            consumed += 1
            if isinstance(event, InvalidEvent):
                self._refuse(message, "invalid", str(event))
                continue
            if event["app_id"] != app_id or app is None:
                app_id = event["app_id"]
                app = self.app(app_id)
                if app is None:
                    self._refuse(message, "invalid", _unlisted(event))
                    continue
                known_days, users, dirty, apply = app.calendar.by_quarter, app.users, app.dirty, app.apply
                lateness = app.settings.allowed_lateness
            ts = event["ts"]
            if ts >= MAX_TS:
                reason: Reason = "future" if ts > message.timestamp + _FUTURE_MS else "invalid"
                self._refuse(message, reason, _BEYOND_2100)
                continue
            day = known_days.get(ts // QUARTER_MS)
            if day is None:
                day = app.calendar.local_day(ts)
            if event["event"] == CHECK_IN and not app.may_fill(event, day):
                self._refuse(message, "invalid", app.make_up_rule)
                continue
            if ts > message.timestamp + _FUTURE_MS:
                self._refuse(message, "future", f"ts is {ts - message.timestamp} ms after the record's own timestamp")
                continue
            if day != watermark:
                if day > watermark:
                    watermark = day
                elif day < watermark - lateness:
                    self._refuse(message, "late", f"its day is {watermark - day} days before the watermark")
                    continue
            user_id = event["user_id"]
            user = users.get(user_id) or self._find(app, user_id)
            if user is None:
                self._forward(message, event)
                continue
            if offset <= user.offset:
                continue
            user.offset = offset
            dirty.add(user_id)
            if apply(user, event, day):
                user.accepted += 1
                accepted += 1
            else:
                user.repeated += 1
                repeated += 1
        progress.consumed += consumed
        progress.watermark = watermark
        progress.next_offset = max(expected, messages[-1].offset + 1)
        self.accepted[EVENTS.name] += accepted
        self.repeated[EVENTS.name] += repeated

    def fold_rekeyed(self, messages: Sequence[Message], events: Sequence[Event | InvalidEvent]) -> None:
        """Fold a batch of ``mp.events.rekeyed``: its messages were judged in the partition where they first stood."""
        progress = self.progress.rekeyed
        expected = progress.next_offset
        for message, event in zip(messages, events, strict=True):
            if message.offset < expected or self._is_of_another_epoch(message):
                continue
            progress.consumed += 1
            if isinstance(event, InvalidEvent):
                self._refuse(message, "invalid", str(event), REKEYED.name)
                continue
            app = self.app(event["app_id"])
            if app is None:
                self._refuse(message, "invalid", _unlisted(event), REKEYED.name)
                continue
            if event["ts"] >= MAX_TS:
                self._refuse(message, "invalid", _BEYOND_2100, REKEYED.name)
                continue
            day = app.calendar.local_day(event["ts"])
            if event["event"] == CHECK_IN and not app.may_fill(event, day):
                self._refuse(message, "invalid", app.make_up_rule, REKEYED.name)
                continue
            user_id = event["user_id"]
            user = app.users.get(user_id) or self._find(app, user_id)
            if user is None:
                self._refuse(message, "invalid", "the user lives in another partition", REKEYED.name)
                continue
            progress.watermark = max(progress.watermark, day)
            if message.offset <= user.rekeyed_offset:
                continue
            user.rekeyed_offset = message.offset
            app.dirty.add(user_id)
            if app.apply(user, event, day):
                user.rekeyed_accepted += 1
                self.accepted[REKEYED.name] += 1
            else:
                user.rekeyed_repeated += 1
                self.repeated[REKEYED.name] += 1
        progress.next_offset = max(expected, messages[-1].offset + 1)

    def _find(self, app: AppFold, user_id: str) -> UserState | None:
        """The user's state, a new one for a user who lives here, ``None`` for one who lives in another partition."""
        user = self._load(app.app_id, user_id)
        if user is None:
            if self._home(user_id) != self.partition:
                return None
            user = UserState()
        app.users[user_id] = user
        self.users_in_memory += 1
        return user

    def _is_of_another_epoch(self, message: Message) -> bool:
        """Whether a worker of another epoch forwarded the message: that one judged by its own rules."""
        return any(name == EPOCH_HEADER and value != self._epoch for name, value in message.headers)

    def _forward(self, message: Message, event: Event) -> None:
        self.progress.events.rekeyed += 1
        user_id = event["user_id"]
        assert message.value is not None  # noqa: S101 - a validated event has a value; tells mypy so
        self.outgoing.append(Rekeyed(self._home(user_id), user_id, message.value, message.timestamp, message.offset))

    def _refuse(self, message: Message, reason: Reason, detail: str, topic: str = EVENTS.name) -> None:
        counters = self.progress.events if topic == EVENTS.name else self.progress.rekeyed
        setattr(counters, reason, getattr(counters, reason) + 1)
        self.dead.append(
            DeadLetter(
                reason, detail, topic, self.partition, message.offset, message.key, message.value, message.timestamp
            )
        )


def _unlisted(event: Event) -> str:
    return f"app {event['app_id']!r} is not in the list of apps"
