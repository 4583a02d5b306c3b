"""What becomes of each message: the verdict, in the order of its partition, before anything is counted.

A message is ``invalid``, ``future`` or ``late`` and refused, or else ``rekeyed`` (it stands on another partition than
its user's), ``accepted``, or a ``duplicate``. A rekeyed event is counted too; the order in which it meets the events of
its user's own partition is not determined, so only totals of the two are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.contract import MAX_EVENT_BYTES, MAX_TS, Event, Refused, read_event
from tests.oracle.murmur2 import partition_of

__all__ = ["EventKey", "Judged", "Judgement", "Message", "Verdict", "judge"]

_DAY_MS: Final = 24 * 60 * 60 * 1000

#: (app_id, user_id, event_id): what makes two events the same.
EventKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One record of ``mp.events`` as it stands in its partition."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


class Verdict(StrEnum):
    """What the pipeline does with a message; the refusals are the reasons of dead letters."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"
    FUTURE = "future"
    INVALID = "invalid"
    REKEYED = "rekeyed"


@dataclass(frozen=True, slots=True)
class Judged:
    """A message, its verdict, its event where it could be read, and the partition its user lives in."""

    message: Message
    verdict: Verdict
    event: Event | None = None
    home: int | None = None
    detail: str = ""


@dataclass(slots=True)
class Judgement:
    """All verdicts, and the distinct events that count.

    ``closed_rekeyed`` are the ids of rekeyed events whose day may be closed where they are counted, so that a repeat of
    them may not be recognised. ``undetermined`` says why the messages do not determine the views: data that no test
    should compare.
    """

    partitions: int
    judged: list[Judged] = field(default_factory=list)
    watermarks: dict[int, int] = field(default_factory=dict)
    accepted: dict[EventKey, Event] = field(default_factory=dict)
    closed_rekeyed: set[EventKey] = field(default_factory=set)
    undetermined: list[str] = field(default_factory=list)

    @property
    def today(self) -> int | None:
        """The latest watermark over all partitions."""
        return max(self.watermarks.values(), default=None)


def judge(
    messages: Iterable[Message], catalog: AppCatalog, partitions: int, max_bytes: int = MAX_EVENT_BYTES
) -> Judgement:
    """Decide every message of ``mp.events``, given in any order, by partition and offset."""
    judgement = Judgement(partitions)
    rekeyed: list[tuple[Event, int, AppSettings]] = []
    for message in sorted(messages, key=lambda message: (message.partition, message.offset)):
        try:
            event, app = read_event(message.value, catalog, max_bytes)
        except Refused as refused:
            judgement.judged.append(Judged(message, Verdict.INVALID, detail=str(refused)))
            continue
        home = partition_of(event.user_id.encode(), partitions)
        verdict = _verdict(judgement, message, event, home, app)
        judgement.judged.append(Judged(message, verdict, event, home))
        if verdict is Verdict.REKEYED:
            rekeyed.append((event, home, app))
    for event, home, app in rekeyed:
        _count_rekeyed(judgement, event, home, app)
    return judgement


def _verdict(judgement: Judgement, message: Message, event: Event, home: int, app: AppSettings) -> Verdict:
    """The steps of judging, in their order; moves the watermark of the message's partition."""
    if event.ts_ms > message.timestamp_ms + _DAY_MS:
        return Verdict.FUTURE
    if event.ts_ms >= MAX_TS:
        return Verdict.INVALID
    watermarks = judgement.watermarks
    watermark = watermarks[message.partition] = max(watermarks.get(message.partition, event.day), event.day)
    oldest_open = watermark - app.allowed_lateness
    if event.day < oldest_open:
        return Verdict.LATE
    if message.partition != home:
        return Verdict.REKEYED
    event_key = (event.app_id, event.user_id, event.event_id)
    first = judgement.accepted.get(event_key)
    if first is None:
        judgement.accepted[event_key] = event
        return Verdict.ACCEPTED
    if first.day < oldest_open:
        judgement.undetermined.append(f"{event_key} comes again on another day, after its own was closed")
    return Verdict.DUPLICATE


def _count_rekeyed(judgement: Judgement, event: Event, home: int, app: AppSettings) -> None:
    event_key = (event.app_id, event.user_id, event.event_id)
    first = judgement.accepted.setdefault(event_key, event)
    if first != event:
        judgement.undetermined.append(f"{event_key} is rekeyed and has a namesake with another content")
    if event.day < judgement.watermarks.get(home, event.day) - app.allowed_lateness:
        judgement.closed_rekeyed.add(event_key)
