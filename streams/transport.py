"""Batched delivery: the agent gets one Faust event per fetch and partition, holding the list of Kafka records.

Faust hands every message through four asyncio tasks; handing over whole batches instead moves about 25 times as many.
Only acknowledging stream topics are batched, never changelogs: Faust's recovery reads those as always.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

if TYPE_CHECKING:
    from streams.worker import Worker

__all__ = ["BatchConsumer", "BatchTransport", "HasWorker", "RecordBatch"]

_FETCH_WAIT_MS: Final = 100
_POSITION_TIMEOUT_S: Final = 1.0


class HasWorker(Protocol):
    """The app of a ``BatchConsumer``: its worker knows where the durable state ends."""

    worker: "Worker"


class RecordBatch(list[Any]):
    """The records of one partition from one fetch, in offset order; never empty."""


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a shorter wait for new messages.

    aiokafka has one fetch under way per broker. One that waits for an idle partition holds up the busy ones for as
    long, which Faust fixes at 1.5 s.
    """

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def _fetch_records(self, *args: Any, **options: Any) -> Mapping[TP, list[Any]]:
        fetched: Mapping[TP, list[Any]] = await super()._fetch_records(*args, **options)
        cast("BatchConsumer", self.consumer).note_fetched(fetched)
        return fetched


class BatchConsumer(driver.Consumer):
    """Faust's consumer, delivering ``RecordBatch`` values.

    The worker acknowledges in order and only what is durable, so the offset to commit is simply the one after the
    highest acknowledged: Faust's bookkeeping of gaps between single messages does not apply to batches.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """As Faust's consumer."""
        super().__init__(*args, **options)
        #: By topic partition, the offset after the last record that was fetched for the worker; its thread writes it.
        self._handed_over: dict[TP, int] = {}

    def note_fetched(self, fetched: Mapping[TP, list[Any]]) -> None:
        """Remember how far ``fetched`` reaches. Called in the consumer's thread, before its position can be asked."""
        for tp, records in fetched.items():
            if records:
                self._handed_over[tp] = records[-1].offset + 1

    async def at_end(self, tp: TP, next_offset: int) -> bool:
        """Whether nothing to process lies at ``next_offset`` or beyond it, as far as the last fetch knows."""
        end = self.end(tp)
        if end is None or next_offset >= end:
            return end is not None
        handed_over = self._handed_over.get(tp, next_offset)
        if handed_over > next_offset:
            return False
        # What is left may be no messages but the markers of transactions, which the consumer steps over by itself.
        try:
            position = await asyncio.wait_for(self.position(tp), _POSITION_TIMEOUT_S)
        except (IllegalStateError, TimeoutError):  # taken away meanwhile, or the broker does not answer
            return False
        return position is not None and position >= end and self._handed_over.get(tp, next_offset) <= next_offset

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def end(self, tp: TP) -> int | None:
        """The end offset of ``tp`` as the last fetch reported it; ``None`` before one, or when it is not ours now."""
        # In the middle of a rebalance the consumer may have given up what the worker still owns.
        return self.highwater(tp) if tp in self.assignment() else None

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:
        fetched = await super()._getmany(active_partitions, timeout)
        acknowledges = self.app.topics.acks_enabled_for
        return {
            tp: [RecordBatch(records)]
            if records and acknowledges(tp.topic) and not self._is_changelog_tp(tp)
            else records
            for tp, records in fetched.items()
        }

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
        for tp in positions.keys() | self.assignment():
            position = cast("HasWorker", self.app).worker.next_offset(tp)
            if position is not None and position != positions.get(tp):
                await self._seek(tp, position)
                positions[tp] = position
            self._handed_over.pop(tp, None)
        return positions

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
