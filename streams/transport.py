"""Batched delivery: the agent gets one Faust event per fetch and partition, holding the list of Kafka records.

Faust hands every message through four asyncio tasks; handing over whole batches instead moves about 25 times as many.
Faust's recovery gets the changelog in such batches too: it only looks at the offset of the last record.

Around a rebalance Faust drops some of what was fetched, and delivers what was fetched before it sought. Single messages
survive that, because Faust commits by counting gaps; state that is folded in order would not. So each batch knows where
its fetch began and in which era: an era of a topic partition begins with each seek. The worker takes only batches that
continue what it has, of the current era, and otherwise reads again.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.decoding import decode_whole_batches, until_fetched

if TYPE_CHECKING:
    from streams.worker import Worker

__all__ = ["BatchConsumer", "BatchTransport", "HasWorker", "RecordBatch"]

_log = logging.getLogger(__name__)

_FETCH_WAIT_MS: Final = 100
_POSITION_TIMEOUT_S: Final = 1.0
#: Even partitions without new messages are asked for many times a second.
_SILENT_S: Final = 15.0
#: Faust takes about six turns, and two or three more for each further partition in the last fetch. It does not ask at
#: all while all partitions are held back.
_TURNS: Final = 100


class HasWorker(Protocol):
    """The app of a ``BatchConsumer``: its worker knows where the durable state ends."""

    worker: "Worker"


class RecordBatch(list[Any]):
    """The records of one partition from one fetch, in offset order; never empty.

    Nothing lies between offset ``begin`` and the first record: what is missing there has expired, or marks a
    transaction.
    """

    def __init__(self, records: list[Any], begin: int, era: int, origin: int = 0) -> None:
        """``begin`` is where the fetch began, ``era`` counts the seeks of its topic partition, to ``origin``."""
        super().__init__(records)
        self.begin = begin
        self.era = era
        self.origin = origin


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread; it makes the batches, so that seeks and fetches are in one order.

    It also waits less for new messages. aiokafka has one fetch under way per broker. One that waits for an idle
    partition holds up the busy ones for as long, which Faust fixes at 1.5 s.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """As Faust's thread."""
        super().__init__(*args, **options)
        #: Whether Faust waits for a fetch.
        self.is_asked = False
        #: By topic partition: the offset after what was fetched last, how often it was sought, and where to.
        self.fetched_to: dict[TP, int] = {}
        self.eras: dict[TP, int] = {}
        self.origins: dict[TP, int] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:
        """As Faust's, called on the event loop of the app."""
        self.is_asked = True
        try:
            return await super().getmany(active_partitions, timeout)
        finally:
            self.is_asked = False

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        fetched = await self._fetch_arrived(consumer, active_partitions, max_records)
        if not fetched:
            # Partitions whose batches fill the agent's queue are not active, until the next call. So it must come soon;
            # Faust's own timeout is a second.
            await until_fetched(consumer._fetcher, _FETCH_WAIT_MS / 1000)
            fetched = await self._fetch_arrived(consumer, active_partitions, max_records)
        return {tp: self._batched(tp, records) for tp, records in fetched.items()}

    async def _fetch_arrived(
        self, consumer: AIOKafkaConsumer, active_partitions: set[TP], max_records: int | None
    ) -> Mapping[TP, list[Any]]:
        decode_whole_batches(consumer._fetcher)
        return await super()._fetch_records(consumer, active_partitions, timeout=0, max_records=max_records)

    def _batched(self, tp: TP, records: list[Any]) -> list[Any]:
        if not records:
            return records
        begin = self.fetched_to.get(tp, records[0].offset)
        self.fetched_to[tp] = records[-1].offset + 1
        return [RecordBatch(records, begin, self.eras.get(tp, 0), self.origins.get(tp, 0))]

    async def _seek_wait(self, consumer: AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        """Faust seeks in the changelog when a recovery begins."""
        # First, and without a pause in between: what is fetched from now on belongs to the new era.
        for tp, offset in partitions.items():
            self._begin_era(tp, offset)
        await super()._seek_wait(consumer, partitions)

    def _begin_era(self, tp: TP, offset: int) -> None:
        self.fetched_to[tp] = self.origins[tp] = offset
        self.eras[tp] = self.eras.get(tp, 0) + 1

    async def go_to(self, positions: Mapping[TP, int]) -> None:
        """Read on at ``positions``; a new era begins for each. Partitions that were taken away are left out."""
        await self.call_thread(self._go_to, positions)

    async def _go_to(self, positions: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            try:
                consumer.seek(TopicPartition(tp.topic, tp.partition), offset)
            except IllegalStateError:
                continue
            self._begin_era(tp, offset)

    async def prove_ownership(self, positions: Mapping[TP, int], generation: int) -> bool:
        """Commit ``positions``; whether the group took it as from a member of ``generation``."""
        return bool(await self.call_thread(self._prove_ownership, positions, generation))

    async def _prove_ownership(self, positions: Mapping[TP, int], generation: int) -> bool:
        consumer = self._ensure_consumer()
        coordinator = consumer._coordinator
        if coordinator.generation != generation:
            return False
        try:
            await consumer.commit(
                {TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(at, "") for tp, at in positions.items()}
            )
        except (CommitFailedError, IllegalStateError) as refusal:
            _log.warning("kafka: the partitions belong to another worker by now (%r)", refusal)
            return False
        return bool(coordinator.generation == generation)


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
