"""The consumer's thread: fetches as batches of records, and seeks.

Around a rebalance Faust drops some of what was fetched, and delivers what was fetched before it sought. Single messages
survive that, because Faust commits by counting gaps; state that is folded in order would not. So each batch knows where
its fetch began and in which era: an era of a topic partition begins with each seek. The worker takes only batches that
continue what it has, of the current era, and otherwise reads again.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.decoding import decode_whole_batches, until_fetched

__all__ = ["BatchConsumerThread", "RecordBatch"]

_log = logging.getLogger(__name__)

_FETCH_WAIT_MS: Final = 100


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
