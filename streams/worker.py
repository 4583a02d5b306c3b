"""The worker's heart: folds the batches that the agent takes, and delivers what changed, beat by beat.

Order of a flush: flush point → proof of ownership → dead letters and rekeyed messages → ClickHouse → changelog →
progress record → acknowledgement. While one flush is on its way the fold goes on; what is on its way was encoded when
it was taken.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from faust.types import TP, EventT

from schemas.tables import RowBatch
from schemas.topics import INPUTS
from schemas.validator import EventValidator
from streams.changelog import KafkaWriter
from streams.consumer_thread import RecordBatch
from streams.lost_fetches import LostFetches
from streams.metrics import STAGES, FlushTimer, Metrics
from streams.partition import Partition, PartitionFlush
from streams.partitioner import Partitioner
from streams.settings import StreamSettings
from streams.sink import Sink
from streams.table import UsersTable
from streams.undelivered import Folded, Undelivered

__all__ = ["QUEUED_BATCHES", "Reader", "Worker"]

_log = logging.getLogger(__name__)

#: Batches waiting in the agent's queue; each holds at most one fetch of one topic partition.
QUEUED_BATCHES: Final = 16
#: Between two flushes, however much waits.
_LEAST_PAUSE_S: Final = 0.05
#: Looks that in a row see a fetch which has not arrived, until it is fetched again.
_PATIENCE_LOOKS: Final = 5


class Reader(Protocol):
    """Where the worker's batches come from."""

    @property
    def generation(self) -> int:
        """The consumer group's current generation."""

    def era(self, tp: TP) -> int:
        """How often ``tp`` was sought."""

    def fetched_to(self, tp: TP) -> int:
        """The offset after the last one that was fetched of ``tp``, whatever became of it."""

    async def go_to(self, positions: Mapping[TP, int]) -> None:
        """Read on at ``positions``, in a new era of each."""

    async def prove_ownership(self, positions: Mapping[TP, int], generation: int) -> bool:
        """Commit ``positions``; whether the group took it, as it does from its members of this ``generation`` only."""

    async def at_end(self, tp: TP, next_offset: int) -> bool:
        """Whether nothing lies at ``next_offset`` or beyond it."""


class Worker:
    """Owned partitions and their delivery. All methods run on the event loop of the Faust app."""

    def __init__(self, settings: StreamSettings, sink: Sink, writer: KafkaWriter, reader: Reader) -> None:
        """Own nothing yet."""
        self._settings = settings
        self._sink = sink
        self._writer = writer
        self._reader = reader
        self.metrics = Metrics()
        #: Batches of earlier eras were fetched before the recovery knew where to read on.
        self._first_era: dict[TP, int] = {}
        self._validator = EventValidator(settings.apps, settings.max_event_bytes)
        self._partitioner = Partitioner(settings.partitions)
        self._owned: dict[int, Partition] = {}
        #: The generation in which they were assigned, and up to where they are delivered.
        self._generation = 0
        self._durable: dict[TP, int] = {}
        self._undelivered = Undelivered()
        self._lost_fetches = LostFetches(_PATIENCE_LOOKS)
        #: Batches that came, whatever became of them.
        self._came = 0
        self._room = asyncio.Event()
        self._room.set()
        self._full = asyncio.Event()
        self._one_flush = asyncio.Lock()

    @property
    def owned(self) -> frozenset[int]:
        """The numbers of the partitions that are owned and recovered."""
        return frozenset(self._owned)

    @property
    def is_blocked(self) -> bool:
        """Whether folding waits because too much is undelivered."""
        return not self._room.is_set()

    def positions(self) -> dict[TP, int]:
        """The next offsets of all owned partitions."""
        return {
            TP(topic.name, number): partition.next_offset(topic.name)
            for number, partition in self._owned.items()
            for topic in INPUTS
        }

    async def is_behind(self) -> bool:
        """Whether messages wait, or may wait, in an owned partition."""
        for partition in list(self._owned.values()):
            if not all((await self._at_end(partition)).values()):
                return True
        return False

    async def recover(self, table: UsersTable, numbers: set[int]) -> None:
        """Take over the partitions ``numbers`` from their recovered records.

        Another rebalance may begin meanwhile, and with it another recovery: then this one gives up.
        """
        self.revoke()
        began, nothing = time.monotonic(), self._owned
        generation = self._reader.generation
        recovered = {}
        for number in sorted(numbers):
            partition = Partition(
                number, self._settings, self._validator, table.records[number], self._partitioner, generation=generation
            )
            await partition.recover()
            if self._owned is not nothing:
                return
            recovered[number] = partition
        self._owned, self._generation = recovered, generation
        self._durable = self.positions()
        self._first_era = {tp: self._reader.era(tp) + 1 for tp in self.positions()}
        self.metrics.recovered(recovered, time.monotonic() - began)
        _log.info("worker: owns partitions %s", sorted(recovered))

    def revoke(self) -> None:
        """Drop the working state of all partitions: what was not delivered will be read again."""
        self._owned = {}
        self._durable = {}
        self._undelivered.forget()
        self.metrics.revoked()
        self._make_room()

    async def take(self, event: EventT[Any]) -> None:
        """Fold the batch of ``event``. Waits while too much is folded but not delivered."""
        await self._room.wait()
        self._came += 1
        message = event.message
        partition = self._owned.get(message.partition)
        batch = cast("RecordBatch", message.value)
        if (
            partition is None
            or message.generation_id != self._reader.generation
            or batch.era != self._reader.era(message.tp)
            or batch.era < self._first_era[message.tp]
        ):
            return
        if partition.holds_back(message.topic, self._settings.max_unflushed_bytes):
            # It is read again when what it waits for has come: by the next batch after it, or as a lost fetch.
            return
        arrived = partition.arrived(message.topic)
        if batch[-1].offset < arrived:
            # The broker had lost what the consumer stood at, so that it began at the earliest message again.
            _log.info("worker: %s came again from offset %d, going on at %d", message.tp, batch[0].offset, arrived)
            await self._reader.go_to({message.tp: arrived})
            return
        if batch.begin > arrived:
            _log.info("worker: a batch before offset %d of %s was dropped, reading again", batch.begin, message.tp)
            await self._reader.go_to({message.tp: arrived})
            return
        partition.take(message.topic, batch)
        self.metrics.took(partition.number, batch)
        self._undelivered.add(event, batch)
        self._make_room()

    async def look_for_lost_fetches(self) -> None:
        """Read again what was fetched some looks ago and has not arrived. To be called now and then.

        Faust drops fetches around a rebalance. One that others follow is noticed by them, the last one is not.
        """
        if self.is_blocked:
            return
        missing: dict[TP, tuple[int, int]] = {}
        for number, partition in self._owned.items():
            for topic in INPUTS:
                tp = TP(topic.name, number)
                arrived, fetched = partition.arrived(topic.name), self._reader.fetched_to(tp)
                if fetched > arrived:
                    missing[tp] = arrived, fetched
        # Before a fetch may wait what fills the queue, and what was fetched together with it.
        ahead = QUEUED_BATCHES + len(INPUTS) * len(self._owned)
        lost = {tp: missing[tp][0] for tp in self._lost_fetches.look(missing, self._came, ahead)}
        if lost:
            _log.info("worker: fetched but not arrived, reading again: %s", lost)
            await self._reader.go_to(lost)

    def _make_room(self) -> None:
        # A partition that catches up with its recovered state cannot flush before it has; it must not wait for room.
        size = self._undelivered.size(lambda number: number in self._owned and not self._owned[number].catching_up)
        self.metrics.undelivered.set(size)
        if size < self._settings.max_unflushed_bytes:
            self._room.set()
            self._full.clear()
        else:
            self._room.clear()
            self._full.set()

    async def until_due(self) -> None:
        """Wait for the next flush: an interval, or less when folding waits for it."""
        interval_s = self._settings.flush_interval_s
        pause_s = min(_LEAST_PAUSE_S, interval_s)
        await asyncio.sleep(pause_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), interval_s - pause_s)

    async def flush(self) -> None:
        """Deliver everything that has changed. One flush at a time; raises ``Terminal`` when delivery is impossible."""
        async with self._one_flush:
            owned, batch, flushes = self._owned, RowBatch(), []
            acknowledge: dict[TP, Folded] = {}
            ends = {number: await self._at_end(partition) for number, partition in owned.items()}
            if self._owned is not owned:
                return
            timer = self.metrics.flush()
            for number, partition in owned.items():
                flush = partition.take_flush(batch, ends[number])
                if flush is not None:
                    flushes.append(flush)
                    for topic in INPUTS:
                        tp = TP(topic.name, number)
                        folded = self._undelivered.folded(tp)
                        if folded and not flush.held_back:
                            acknowledge[tp] = folded
            if flushes and await self._deliver(owned, batch, flushes, timer):
                self._undelivered.acknowledge(acknowledge)
                self._make_room()

    async def _at_end(self, partition: Partition) -> dict[str, bool]:
        return {
            topic.name: await self._reader.at_end(TP(topic.name, partition.number), partition.next_offset(topic.name))
            for topic in INPUTS
        }

    async def _deliver(
        self, owned: dict[int, Partition], batch: RowBatch, flushes: list[PartitionFlush], timer: FlushTimer
    ) -> bool:
        """Carry the flush out, stage by stage. False when the partitions were revoked on the way."""
        timer.holds(flushes)
        for name, stage in zip(STAGES, self._stages(owned, batch, flushes), strict=True):
            await stage
            if self._owned is not owned:
                return False
            timer.passed(name)
        for flush in flushes:
            flush.partition.delivered(flush)
            self._durable.update(flush.positions)
        timer.delivered(batch)
        return True

    def _stages(
        self, owned: dict[int, Partition], batch: RowBatch, flushes: list[PartitionFlush]
    ) -> Iterator[Awaitable[object]]:
        """What a flush does, in this order; the next stage begins when the one before it is durable."""
        writer = self._writer
        yield asyncio.gather(*(writer.flush_point(flush.partition.number, flush.flush_point) for flush in flushes))
        yield self._prove_ownership(owned)
        # What is forwarded must stand in its topic before the published progress says that it was forwarded.
        yield asyncio.gather(
            *(writer.dead_letters(flush.partition.number, flush.dead) for flush in flushes),
            *(writer.rekey(flush.partition.number, flush.outgoing) for flush in flushes),
        )
        yield self._sink.write(batch)
        yield asyncio.gather(*(writer.changelog(flush.partition.number, flush.records) for flush in flushes))
        yield asyncio.gather(*(writer.progress(flush.partition.number, flush.progress) for flush in flushes))

    async def _prove_ownership(self, owned: dict[int, Partition]) -> None:
        """Drop the partitions unless the group still takes this worker's commits.

        Whoever owns them next reads the changelog after this commit, and so finds the flush points. From a worker that
        was replaced while it was frozen the group takes no commit, and its flush ends here.
        """
        if not await self._reader.prove_ownership(self._durable, self._generation) and self._owned is owned:
            self.revoke()
