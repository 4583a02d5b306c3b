"""Batched delivery: the agent gets one Faust event per fetch and partition, holding the list of Kafka records.

Faust hands every message through four asyncio tasks; handing over whole batches instead moves about 25 times as many.
Faust's recovery gets the changelog in such batches too: it only looks at the offset of the last record.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.consumer_thread import BatchConsumerThread, RecordBatch

if TYPE_CHECKING:
    from streams.worker import Worker

__all__ = ["BatchConsumer", "BatchTransport", "HasWorker"]

_POSITION_TIMEOUT_S: Final = 1.0
#: Even partitions without new messages are asked for many times a second.
_SILENT_S: Final = 15.0
#: Faust takes about six turns, and two or three more for each further partition in the last fetch. It does not ask at
#: all while all partitions are held back.
_TURNS: Final = 100


class HasWorker(Protocol):
    """The app of a ``BatchConsumer``: its worker knows where the durable state ends."""

    worker: "Worker"


class _NothingRead(dict[TP, int | None]):
    """Faust's notes of the last offset that it passed on, by topic partition: always empty.

    It drops what ends before that offset, and notes it even when a seek has gone back meanwhile: it would drop the same
    messages for ever. Whoever takes in the batches looks at their beginnings and eras.
    """

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        """Nothing is noted."""


class BatchConsumer(driver.Consumer):
    """Faust's consumer, delivering ``RecordBatch`` values.

    The worker acknowledges in order and only what is durable, so the offset to commit is simply the one after the
    highest acknowledged: Faust's bookkeeping of gaps between single messages does not apply to batches.
    """

    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **options: Any) -> None:
        """As Faust's consumer."""
        super().__init__(*args, **options)
        self._read_offset = _NothingRead()
        #: By topic partition: the broker's last answer, in aiokafka's time, and when it was seen first.
        self._answers: dict[TP, tuple[int | None, float]] = {}

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def until_asked(self) -> None:
        """Let Faust ask for the next fetch, so that it is decoded while the last one is folded.

        It takes some turns of the event loop to do so, and nobody else has one while a batch is folded.
        """
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if self._thread.is_asked or not self.flow_active:
                return

    def era(self, tp: TP) -> int:
        """How often ``tp`` was sought."""
        return self._thread.eras.get(tp, 0)

    def origin(self, tp: TP) -> int:
        """Where ``tp`` was sought to last."""
        return self._thread.origins.get(tp, 0)

    def fetched_to(self, tp: TP) -> int:
        """The offset after the last one that was fetched of ``tp``, whatever became of it."""
        return self._thread.fetched_to.get(tp, 0)

    async def go_to(self, positions: Mapping[TP, int]) -> None:
        """Read on at ``positions``, in a new era."""
        await self._thread.go_to(positions)

    async def prove_ownership(self, positions: Mapping[TP, int], generation: int) -> bool:
        """Commit ``positions``; whether the group took it as from a member of ``generation``."""
        return await self._thread.prove_ownership(positions, generation)

    def end(self, tp: TP) -> int | None:
        """The end offset of ``tp`` as the last fetch reported it.

        ``None`` before one, when the broker has been silent about it for long, or when it is not ours now.
        """
        # In the middle of a rebalance the consumer may have given up what the worker still owns.
        if tp not in self.assignment():
            return None
        answer, now = self._last_answer(tp), time.monotonic()
        known, since = self._answers.get(tp, (None, now))
        if answer != known:
            since = now
        self._answers[tp] = answer, since
        return self.highwater(tp) if now - since < _SILENT_S else None

    def _last_answer(self, tp: TP) -> int | None:
        answered_at: int | None = self._thread._ensure_consumer().last_poll_timestamp(tp)
        return answered_at

    async def at_end(self, tp: TP, next_offset: int) -> bool:
        """Whether nothing to process lies at ``next_offset`` or beyond it, as far as the last fetch knows."""
        end = self.end(tp)
        if end is None or next_offset >= end:
            return end is not None
        if self._fetched_to(tp, next_offset) > next_offset:
            return False
        # What is left may be no messages but the markers of transactions, which the consumer steps over by itself.
        try:
            position = await asyncio.wait_for(self.position(tp), _POSITION_TIMEOUT_S)
        except (IllegalStateError, TimeoutError):  # taken away meanwhile, or the broker does not answer
            return False
        return position is not None and position >= end and self._fetched_to(tp, next_offset) <= next_offset

    def _fetched_to(self, tp: TP, otherwise: int) -> int:
        return self._thread.fetched_to.get(tp, otherwise)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, RecordBatch):
            return super()._to_message(tp, record)
        last = record[-1]
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000.0,
            timestamp_type=last.timestamp_type,
            headers=None,
            key=None,
            value=record,  # type: ignore[arg-type]  # a batch instead of bytes: the point of this class
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Batches have no gaps: the offsets between two of them hold nothing to process."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go on where the durable state ends, whatever the group has committed.

        The two differ after a crash between the progress record and the commit, and when the changelog was lost.
        """
        positions = dict(await super().seek_to_committed())
        owned = cast("HasWorker", self.app).worker.positions()
        await self._thread.go_to(owned)
        return {**positions, **owned}

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        highest = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return highest + 1


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with batched delivery."""

    Consumer = BatchConsumer
