"""The worker's heart: folds the batches that the agent takes, and delivers what changed, beat by beat.

Order of a flush: flush point → dead letters and rekeyed messages → ClickHouse → changelog → progress record →
acknowledgement. While one flush is on its way the fold goes on; what is on its way was encoded when it was taken.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

from faust.types import TP, EventT

from schemas.event import EventValidator
from schemas.tables import RowBatch
from schemas.topics import EVENTS, INPUTS, REKEYED
from streams.changelog import KafkaWriter
from streams.partition import Partition, PartitionFlush
from streams.partitioner import Partitioner
from streams.settings import StreamSettings
from streams.sink import Sink
from streams.table import UsersTable

__all__ = ["Worker"]

_log = logging.getLogger(__name__)


class _Pending(NamedTuple):
    """The last Faust event folded of a topic partition and how many messages wait for its acknowledgement."""

    event: EventT[Any]
    messages: int


class Worker:
    """Owned partitions and their delivery. All methods run on the event loop of the Faust app."""

    def __init__(
        self,
        settings: StreamSettings,
        sink: Sink,
        writer: KafkaWriter,
        at_end: Callable[[TP, int], Awaitable[bool]],
        generation: Callable[[], int],
    ) -> None:
        """``at_end`` says whether nothing lies beyond an offset; ``generation`` is the group's current one."""
        self._settings = settings
        self._sink = sink
        self._writer = writer
        self._reached_end = at_end
        self._generation = generation
        self._validator = EventValidator(settings.apps, settings.max_event_bytes)
        self._partitioner = Partitioner(settings.partitions)
        self._owned: dict[int, Partition] = {}
        self._pending: dict[TP, _Pending] = {}
        self._room = asyncio.Event()
        self._room.set()
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
        nothing = self._owned
        recovered = {}
        for number in sorted(numbers):
            partition = Partition(number, self._settings, self._validator, table.records[number], self._partitioner)
            await partition.recover()
            if self._owned is not nothing:
                return
            recovered[number] = partition
        self._owned = recovered
        _log.info("worker: owns partitions %s", sorted(recovered))

    def revoke(self) -> None:
        """Drop the working state of all partitions: what was not delivered will be read again."""
        self._owned = {}
        self._pending.clear()
        self._make_room()

    def next_offset(self, tp: TP) -> int | None:
        """Where reading of an owned input partition goes on: after the last message that is in the durable state."""
        partition = self._owned.get(tp.partition)
        if partition is None or tp.topic not in (EVENTS.name, REKEYED.name):
            return None
        return partition.next_offset(tp.topic)

    async def take(self, event: EventT[Any]) -> None:
        """Fold the batch of ``event``. Waits while too many messages are folded but not delivered."""
        await self._room.wait()
        message = event.message
        partition = self._owned.get(message.partition)
        if partition is None or message.generation_id != self._generation():
            return
        records = cast("list[Any]", message.value)  # see streams.transport
        partition.take(message.topic, records)
        waiting = self._pending.get(message.tp)
        self._pending[message.tp] = _Pending(event, len(records) + (waiting.messages if waiting else 0))
        self._make_room()

    def _make_room(self) -> None:
        # A partition that catches up with its recovered state cannot flush before it has; it must not wait for room.
        undelivered = sum(
            pending.messages
            for tp, pending in self._pending.items()
            if tp.partition in self._owned and not self._owned[tp.partition].catching_up
        )
        if undelivered < self._settings.max_unflushed_events:
            self._room.set()
        else:
            self._room.clear()

    async def flush(self) -> None:
        """Deliver everything that has changed. One flush at a time; raises ``Terminal`` when delivery is impossible."""
        async with self._one_flush:
            owned, batch, flushes = self._owned, RowBatch(), []
            acknowledge: dict[TP, _Pending] = {}
            ends = {number: await self._at_end(partition) for number, partition in owned.items()}
            if self._owned is not owned:
                return
            for number, partition in owned.items():
                flush = partition.take_flush(batch, ends[number])
                if flush is not None:
                    flushes.append(flush)
                    for topic in INPUTS:
                        tp = TP(topic.name, number)
                        if tp in self._pending and not flush.held_back:
                            acknowledge[tp] = self._pending[tp]
            if flushes and await self._deliver(owned, batch, flushes):
                for pending in acknowledge.values():
                    pending.event.ack()
                for tp, done in acknowledge.items():
                    now = self._pending[tp]
                    if now.event is done.event:
                        del self._pending[tp]
                    else:
                        self._pending[tp] = _Pending(now.event, now.messages - done.messages)
                self._make_room()

    async def _at_end(self, partition: Partition) -> dict[str, bool]:
        return {
            topic.name: await self._reached_end(TP(topic.name, partition.number), partition.next_offset(topic.name))
            for topic in INPUTS
        }

    async def _deliver(self, owned: dict[int, Partition], batch: RowBatch, flushes: list[PartitionFlush]) -> bool:
        """Carry the flush out, stage by stage. False when the partitions were revoked on the way."""
        writer = self._writer
        await asyncio.gather(*(writer.flush_point(flush.partition.number, flush.progress) for flush in flushes))
        if self._owned is not owned:
            return False
        # What is forwarded must stand in its topic before the published progress says that it was forwarded.
        await asyncio.gather(
            *(writer.dead_letters(flush.partition.number, flush.dead) for flush in flushes),
            *(writer.rekey(flush.partition.number, flush.outgoing) for flush in flushes),
        )
        if self._owned is not owned:
            return False
        await self._sink.write(batch)
        if self._owned is not owned:
            return False
        await asyncio.gather(*(writer.changelog(flush.partition.number, flush.records) for flush in flushes))
        if self._owned is not owned:
            return False
        await asyncio.gather(*(writer.progress(flush.partition.number, flush.progress) for flush in flushes))
        if self._owned is not owned:
            return False
        for flush in flushes:
            flush.partition.delivered(flush)
        return True
