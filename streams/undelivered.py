"""Batches that are folded and not yet delivered: what is to be acknowledged, and how much of it waits."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from faust.types import TP, EventT

from streams.consumer_thread import RecordBatch
from streams.core.partition_fold import Message

__all__ = ["Folded", "Undelivered", "size_of"]

#: What a message costs in memory besides its value.
_MESSAGE_BYTES: Final = 100


def size_of(messages: Iterable[Message]) -> int:
    """What ``messages`` cost in memory, in bytes, about."""
    sizes = [len(message.value or b"") for message in messages]
    return _MESSAGE_BYTES * len(sizes) + sum(sizes)


class Folded(NamedTuple):
    """The last Faust event folded of a topic partition, and the bytes of the messages up to it that wait."""

    event: EventT[Any]
    size: int


class Undelivered:
    """One ``Folded`` for each topic partition of which anything waits.

    The consumer commits the offset after the highest event that was acknowledged: the last one stands for all.
    """

    def __init__(self) -> None:
        """Nothing waits."""
        self._folded: dict[TP, Folded] = {}

    def add(self, event: EventT[Any], batch: RecordBatch) -> None:
        """``batch``, which came as ``event``, has been folded."""
        tp = event.message.tp
        waiting = self._folded.get(tp)
        self._folded[tp] = Folded(event, size_of(batch) + (waiting.size if waiting else 0))

    def folded(self, tp: TP) -> Folded | None:
        """How far ``tp`` is folded now; ``None`` when nothing of it waits."""
        return self._folded.get(tp)

    def acknowledge(self, durable: dict[TP, Folded]) -> None:
        """Everything up to ``durable`` is. What came later waits on."""
        for tp, done in durable.items():
            done.event.ack()
            now = self._folded[tp]
            if now.event is done.event:
                del self._folded[tp]
            else:
                self._folded[tp] = Folded(now.event, now.size - done.size)

    def forget(self) -> None:
        """Nothing of it will be delivered."""
        self._folded.clear()

    def size(self, counts: Callable[[int], bool]) -> int:
        """Bytes that wait in the partition numbers for which ``counts`` is true."""
        return sum(folded.size for tp, folded in self._folded.items() if counts(tp.partition))
