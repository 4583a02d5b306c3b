"""Batches that are folded and not yet delivered: what is to be acknowledged, and how much of it waits."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from faust.types import TP, EventT

from streams.transport import RecordBatch

__all__ = ["Mark", "Undelivered"]

#: What a message costs in memory besides its value.
_MESSAGE_BYTES: Final = 100


class Mark(NamedTuple):
    """The last Faust event folded of a topic partition, and the bytes of the messages up to it that wait."""

    event: EventT[Any]
    size: int


class Undelivered:
    """One ``Mark`` for each topic partition of which anything waits.

    The consumer commits the offset after the highest event that was acknowledged: the last one stands for all.
    """

    def __init__(self) -> None:
        """Nothing waits."""
        self._marks: dict[TP, Mark] = {}

    def add(self, event: EventT[Any], batch: RecordBatch) -> None:
        """``batch``, which came as ``event``, has been folded."""
        tp = event.message.tp
        waiting = self._marks.get(tp)
        size = sum(_MESSAGE_BYTES + len(record.value or b"") for record in batch)
        self._marks[tp] = Mark(event, size + (waiting.size if waiting else 0))

    def mark(self, tp: TP) -> Mark | None:
        """How far ``tp`` is folded now; ``None`` when nothing of it waits."""
        return self._marks.get(tp)

    def acknowledge(self, marks: dict[TP, Mark]) -> None:
        """Everything up to ``marks`` is durable. What came later waits on."""
        for tp, done in marks.items():
            done.event.ack()
            now = self._marks[tp]
            if now.event is done.event:
                del self._marks[tp]
            else:
                self._marks[tp] = Mark(now.event, now.size - done.size)

    def forget(self) -> None:
        """Nothing of it will be delivered."""
        self._marks.clear()

    def size(self, counts: Callable[[int], bool]) -> int:
        """Bytes that wait in the partition numbers for which ``counts`` is true."""
        return sum(mark.size for tp, mark in self._marks.items() if counts(tp.partition))
