"""From the phone to the broker: delays, repeats, and the few messages that the pipeline has to refuse.

Bounds (``MAX_DELAY_MS``) hold for every message that is expected to count, so that none of them is late by mistake.
"""

import json
from collections.abc import Iterable
from enum import Enum
from random import Random
from typing import Final, NamedTuple

from deploy.traffic.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from deploy.traffic.population import User
from deploy.traffic.sessions import TimedEvent

__all__ = ["MAX_DELAY_MS", "Expected", "Message", "Network"]


class Expected(Enum):
    """What the pipeline does with a message, with the default settings of an app."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"
    FUTURE = "future"
    INVALID = "invalid"


class Message(NamedTuple):
    """One Kafka record: ``timestamp_ms`` is when it reaches the broker, and the record's timestamp."""

    key: bytes | None
    value: bytes
    timestamp_ms: int
    expected: Expected


#: No message that counts, nor a repeat of it, arrives later than this after its event time.
MAX_DELAY_MS: Final = 20 * HOUR_MS

#: A phone without a signal keeps a visit's events and sends them all when it is back.
_CHANCE_SHORT_GAP: Final = 0.03
_MEAN_SHORT_GAP_MS: Final = 15 * MINUTE_MS
_CHANCE_LONG_GAP: Final = 0.006
_LONG_GAP_MS: Final = (2 * HOUR_MS, 18 * HOUR_MS)
_LONGEST_REPEAT_MS: Final = 90 * MINUTE_MS
_MEAN_REPEAT_MS: Final = 2 * MINUTE_MS
_FLIGHT_MS: Final = (60, 2_500)

# Parts of all messages. The last days of lateness must be certain, hence well beyond the default of 3 days.
_REPEATED: Final = 0.02
_LATE: Final = 0.0012
_INVALID: Final = 0.0008
_FUTURE: Final = 0.0002
_KEYLESS: Final = 0.0004
_ODD: Final = _REPEATED + _LATE + _INVALID + _FUTURE + _KEYLESS
_LATE_DAYS: Final = (6, 9)
_FUTURE_DAYS: Final = (2, 40)


class Network:
    """Carries events to the broker in the way of phones and retrying backends."""

    def __init__(self, rng: Random, late_from_ms: int) -> None:
        """Draw from ``rng``. Nothing is made late before ``late_from_ms``: a stream's first event is never late."""
        self._rng = rng
        self._late_from_ms = late_from_ms

    def deliver(self, user: User, events: Iterable[TimedEvent]) -> list[Message]:
        """The messages that bring one visit's ``events``; not in order of arrival."""
        random = self._rng.random
        shortest, span = _FLIGHT_MS[0], _FLIGHT_MS[1] - _FLIGHT_MS[0]
        key = user.user_id.encode()
        gap = self._gap()
        messages = []
        for ts, text in events:
            arrival = ts + gap + shortest + int(random() * span)
            odd = random()
            if odd < _ODD:
                messages += self._odd(odd, key, text, arrival)
            else:
                messages.append(Message(key, text.encode(), arrival, Expected.ACCEPTED))
        return messages

    def _gap(self) -> int:
        chance = self._rng.random()
        if chance < _CHANCE_LONG_GAP:
            return self._rng.randint(*_LONG_GAP_MS)
        if chance < _CHANCE_LONG_GAP + _CHANCE_SHORT_GAP:
            return min(_LONG_GAP_MS[0], int(self._rng.expovariate(1 / _MEAN_SHORT_GAP_MS)))
        return 0

    def _odd(self, odd: float, key: bytes, text: str, arrival: int) -> list[Message]:
        """The message with one of the things that go wrong; ``odd`` is uniform in [0, ``_ODD``)."""
        plain = Message(key, text.encode(), arrival, Expected.ACCEPTED)
        if odd < _REPEATED:
            again = 1 + min(_LONGEST_REPEAT_MS, int(self._rng.expovariate(1 / _MEAN_REPEAT_MS)))
            return [plain, plain._replace(timestamp_ms=arrival + again, expected=Expected.DUPLICATE)]
        odd -= _REPEATED
        if odd < _LATE:
            if arrival < self._late_from_ms:
                return [plain]
            return [self._at_another_time(plain, -self._rng.randint(*_LATE_DAYS), Expected.LATE)]
        odd -= _LATE
        if odd < _FUTURE:
            return [self._at_another_time(plain, self._rng.randint(*_FUTURE_DAYS), Expected.FUTURE)]
        odd -= _FUTURE
        if odd < _INVALID:
            broken = _break(self._rng, text)
            return [plain, Message(key, broken, arrival + SECOND_MS, Expected.INVALID)]
        return [plain._replace(key=None)]

    def _at_another_time(self, message: Message, days: int, expected: Expected) -> Message:
        """The message of a phone whose clock is ``days`` off, or that kept the event for so long."""
        event = json.loads(message.value)
        event["ts"] = message.timestamp_ms + days * DAY_MS
        event.pop("for_day", None)
        return message._replace(value=_encode(event), expected=expected)


def _break(rng: Random, text: str) -> bytes:
    """The event ``text`` as a faulty client would send it: no JSON, a field missing, or of a wrong type."""
    event = json.loads(text)
    event["event_id"] = f"{rng.getrandbits(64):016x}"
    match rng.randrange(7):
        case 0:
            return text.encode()[: len(text) // 2]
        case 1:
            return b""
        case 2:
            del event["user_id"]
        case 3:
            del event["ts"]
        case 4:
            event["ts"] = "2026-03-01T08:00:00"
        case 5:
            event["event"] = "Page View"
        case _:
            event["duration_ms"] = "12 s"
    return _encode(event)


def _encode(event: dict[str, object]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
