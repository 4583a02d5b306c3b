"""Kafka, ClickHouse and the consumer group as one worker after another sees them, in memory and step by step.

The worker, its table, its writer and its partitions are the real ones. What they send is noted in ``trace`` twice: when
it begins and when it has ended; a test may act in between (``on``), kill the worker, and start the next one.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP, EventT

from schemas.tables import TABLES, RowBatch
from schemas.topics import DEAD, EVENTS, INPUTS, REKEYED
from streams.app import RetentionApp, create_app
from streams.changelog import KafkaWriter
from streams.consumer_thread import RecordBatch
from streams.settings import StreamSettings
from streams.table import UsersTable
from streams.worker import Worker
from tests.unit.core.support import FAR_FUTURE_MS, Record
from tests.unit.streams.producer import CHANGELOG, Producer, Sent

__all__ = ["AT_END", "BEHIND", "Killed", "World", "read_changelog"]

BEHIND: Mapping[str, bool] = {EVENTS.name: False, REKEYED.name: False}
AT_END: Mapping[str, bool] = {EVENTS.name: True, REKEYED.name: True}

Action = Callable[[], Awaitable[None]]


class Killed(Exception):
    """The worker is gone in the middle of what it did."""


class World:
    """Topics, tables and the group; ``worker`` is the present one."""

    def __init__(self, partitions: int = 1, **settings: Any) -> None:
        self.settings = StreamSettings(bootstrap="127.0.0.1:1", app_id="test", partitions=partitions, **settings)
        self.logs: defaultdict[TP, list[Record]] = defaultdict(list)
        self.changelog: list[Sent] = []
        self.dead: list[Sent] = []
        self.rekeyed: list[Sent] = []
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        #: What was sent to ClickHouse, write by write.
        self.batches: list[RowBatch] = []
        self.trace: list[tuple[str, str]] = []
        self.acknowledged: list[tuple[str, int]] = []
        #: What happens at (stage, "begin" or "end").
        self.on: dict[tuple[str, str], Action] = {}
        self.ends = dict(BEHIND)
        #: Whether the group still knows the worker, and what it was asked to commit.
        self.is_member = True
        self.commits: list[dict[TP, int]] = []
        self.app: RetentionApp
        self.worker: Worker
        self._group = Group(self)
        self._fetched: dict[TP, int] = {}

    async def start(self) -> "World":
        """A new worker takes over all partitions from what stands in the changelog."""
        writer = KafkaWriter(lambda: Producer(self.happens, self._arrive), CHANGELOG, self.settings.epoch)
        self.app = create_app(self.settings, self)
        self.app.worker = self.worker = Worker(self.settings, self, writer, self._group)
        read_changelog(self.table, self.changelog)
        await self.assign()
        return self

    async def assign(self) -> None:
        """The recovery of all partitions is over; reading goes on where their state ends."""
        numbers = range(self.settings.partitions)
        await self.table.on_recovery_completed({TP(CHANGELOG, number) for number in numbers}, set())
        self._fetched = dict(self.worker.positions())
        self._group.sought += 1

    @property
    def table(self) -> UsersTable:
        return cast("UsersTable", self.app.tables["users"])

    def send(self, values: Iterable[dict[str, Any] | bytes], topic: str = EVENTS.name, partition: int = 0) -> None:
        """Append messages to an input topic."""
        log = self.logs[TP(topic, partition)]
        for value in values:
            log.append(Record(len(log), value if isinstance(value, bytes) else json.dumps(value).encode()))

    async def read(self, topic: str = EVENTS.name, partition: int = 0, count: int = 1_000_000) -> None:
        """The worker takes so many of the messages that wait, as one batch."""
        tp = TP(topic, partition)
        begin = self._fetched[tp]
        records = self.logs[tp][begin : begin + count]
        if not records:
            return
        self._fetched[tp] = records[-1].offset + 1
        message = SimpleNamespace(
            topic=topic,
            partition=partition,
            tp=tp,
            generation_id=self._group.generation,
            value=RecordBatch(records, begin, self._group.sought),
        )

        def acknowledge() -> None:
            self.trace.append(("ack", "end"))
            self.acknowledged.append((topic, records[-1].offset))

        await self.worker.take(cast("EventT[Any]", SimpleNamespace(message=message, ack=acknowledge)))

    async def read_all(self) -> None:
        for number in range(self.settings.partitions):
            for topic in INPUTS:
                await self.read(topic.name, number)

    async def flush(self) -> None:
        await self.worker.flush()

    async def kill_at(self, stage: str, phase: str = "end") -> None:
        """Flush, and end the worker on the way."""

        async def kill() -> None:
            raise Killed

        self.on[stage, phase] = kill
        try:
            await self.flush()
        except Killed:
            del self.on[stage, phase]
            return
        raise AssertionError(f"the flush never came to the {phase} of {stage}")

    async def happens(self, stage: str, phase: str) -> None:
        self.trace.append((stage, phase))
        if action := self.on.get((stage, phase)):
            await action()

    def _arrive(self, topic: str, batch: list[Sent]) -> None:
        {CHANGELOG: self.changelog, DEAD.name: self.dead, REKEYED.name: self.rekeyed}[topic].extend(batch)
        if topic == REKEYED.name:
            for sent in batch:
                log = self.logs[TP(topic, sent.partition)]
                log.append(Record(len(log), sent.value, FAR_FUTURE_MS, sent.key, tuple(sent.headers.items())))

    # What the worker expects of a sink.
    trouble = None

    async def close(self) -> None:
        """Nothing to close."""

    async def write(self, batch: RowBatch) -> None:
        """Keep, of the rows of one key, the one with the highest version, and of equal ones the last."""
        await self.happens("rows", "begin")
        await asyncio.sleep(0)
        self.batches.append(batch)
        for table, key in _KEYS.items():
            for values in zip(*batch.columns.get(table, []), strict=True):
                row = dict(zip(TABLES[table].columns, values, strict=True))
                identity = (table, *(row[column] for column in key))
                known = self.rows.get(identity)
                if known is None or row["version"] >= known["version"]:
                    self.rows[identity] = row
        await self.happens("rows", "end")

    def cells(self) -> Counter[tuple[str, int, int]]:
        """The published cells that are not zero, over all partitions, without segments."""
        found: Counter[tuple[str, int, int]] = Counter()
        for (table, *_), row in self.rows.items():
            if table == "cells" and not row["segment"] and row["users"]:
                found[row["family"], row["start"], row["n"]] += row["users"]
        return found

    def rows_of(self, name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The rows of a table by key, without their versions."""
        return {
            key: {column: value for column, value in row.items() if column != "version"}
            for key, row in self.rows.items()
            if key[0] == name
        }


_KEYS = {
    "cells": ("family", "app_id", "start", "n", "segment", "value", "partition"),
    "users": ("app_id", "user_id"),
    "progress": ("topic", "partition"),
}


def read_changelog(table: UsersTable, records: Iterable[Sent]) -> None:
    """The table takes in ``records`` as a recovery does: one fetch a partition."""
    by_partition: defaultdict[int, list[Sent]] = defaultdict(list)
    for sent in records:
        by_partition[sent.partition].append(sent)
    for number, fetched in by_partition.items():
        messages = [Record(offset, sent.value, key=sent.key) for offset, sent in enumerate(fetched)]
        batch = RecordBatch(messages, 0, era=table._read_to.get(number, (0, 0))[0] + 1)
        message = SimpleNamespace(tp=TP(CHANGELOG, number), partition=number, value=batch)
        with suppress(StopIteration):  # it ends without waiting for anything
            table.on_changelog_event(cast("EventT[Any]", SimpleNamespace(message=message))).send(None)


class Group:
    """The consumer, and the consumer group behind it."""

    generation = 1

    def __init__(self, world: World) -> None:
        self._world = world
        self.sought = 0

    def era(self, _tp: TP) -> int:
        return self.sought

    def fetched_to(self, _tp: TP) -> int:
        return 0

    async def go_to(self, positions: Mapping[TP, int]) -> None:
        raise AssertionError(f"nothing was lost here, yet the worker reads again from {positions}")

    async def prove_ownership(self, positions: Mapping[TP, int], generation: int) -> bool:
        self._world.commits.append(dict(positions))
        await self._world.happens("ownership", "end")
        return self._world.is_member and generation == self.generation

    async def at_end(self, tp: TP, _next_offset: int) -> bool:
        await self._world.happens("ends", "end")
        return self._world.ends[tp.topic]
