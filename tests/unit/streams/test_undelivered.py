"""What waits for delivery, and what is acknowledged when a part of it is durable."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.consumer_thread import RecordBatch
from streams.undelivered import Undelivered

ONE, OTHER = TP("events", 1), TP("events", 2)
VALUE = b"x" * 50
#: Of a message with that value; 100 bytes are what it costs besides.
SIZE = 150


@dataclass
class Event:
    """A Faust event of a batch."""

    tp: TP
    acknowledged: int = 0
    message: Any = field(init=False)

    def __post_init__(self) -> None:
        self.message = SimpleNamespace(tp=self.tp)

    def ack(self) -> None:
        self.acknowledged += 1


def batch(messages: int) -> RecordBatch:
    return RecordBatch([SimpleNamespace(value=VALUE) for _ in range(messages)], begin=0, era=0)


def waiting(undelivered: Undelivered, *partitions: int) -> int:
    return undelivered.size(lambda number: number in partitions)


def test_all_that_is_folded_waits_by_partition() -> None:
    undelivered = Undelivered()
    for tp, messages in ((ONE, 2), (OTHER, 3), (ONE, 4)):
        undelivered.add(Event(tp), batch(messages))  # type: ignore[arg-type]
    assert waiting(undelivered, 1) == 6 * SIZE
    assert waiting(undelivered, 1, 2) == 9 * SIZE


def test_the_last_event_that_is_durable_is_acknowledged_and_what_came_later_waits_on() -> None:
    undelivered, events = Undelivered(), [Event(ONE), Event(ONE), Event(ONE)]
    for event in events[:2]:
        undelivered.add(event, batch(1))  # type: ignore[arg-type]
    folded = undelivered.folded(ONE)
    assert folded is not None
    undelivered.add(events[2], batch(4))  # type: ignore[arg-type]
    undelivered.acknowledge({ONE: folded})
    assert [event.acknowledged for event in events] == [0, 1, 0]
    assert waiting(undelivered, 1) == 4 * SIZE


def test_nothing_waits_when_all_of_it_is_durable_or_forgotten() -> None:
    undelivered, event = Undelivered(), Event(ONE)
    undelivered.add(event, batch(1))  # type: ignore[arg-type]
    folded = undelivered.folded(ONE)
    assert folded is not None
    undelivered.acknowledge({ONE: folded})
    assert event.acknowledged == 1
    assert undelivered.folded(ONE) is None
    undelivered.add(Event(OTHER), batch(1))  # type: ignore[arg-type]
    undelivered.forget()
    assert waiting(undelivered, 1, 2) == 0


def test_a_message_without_a_value_has_a_size() -> None:
    undelivered = Undelivered()
    undelivered.add(Event(ONE), RecordBatch([SimpleNamespace(value=None)], begin=0, era=0))  # type: ignore[arg-type]
    assert waiting(undelivered, 1) == SIZE - len(VALUE)
