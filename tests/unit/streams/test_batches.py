"""Around a rebalance batches get lost or come from before it: the worker takes only what continues what it has."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP, EventT

from schemas.topics import EVENTS, REKEYED
from streams.changelog import KafkaWriter
from streams.consumer_thread import RecordBatch
from streams.settings import StreamSettings
from streams.sink import Sink
from streams.table import UsersTable
from streams.worker import QUEUED_BATCHES, Worker
from tests.unit.core.support import Record, event

TP0 = TP(EVENTS.name, 0)


class Reader:
    """A consumer that notes where it is sent."""

    generation = 1

    def __init__(self) -> None:
        self.fetched: dict[TP, int] = {}
        self.eras: defaultdict[TP, int] = defaultdict(int)
        #: Where in the first topic partition, and which other ones.
        self.sent_to: list[int] = []
        self.sent: list[TP] = []

    def era(self, tp: TP) -> int:
        return self.eras[tp]

    def fetched_to(self, tp: TP) -> int:
        return self.fetched.get(tp, 0)

    async def go_to(self, positions: Mapping[TP, int]) -> None:
        for tp, offset in positions.items():
            self.eras[tp] += 1
            if tp == TP0:
                self.sent_to.append(offset)
            else:
                self.sent.append(tp)

    async def prove_ownership(self, _positions: Mapping[TP, int], _generation: int) -> bool:
        return True

    async def at_end(self, _tp: TP, _next_offset: int) -> bool:
        return False


async def owner() -> tuple[Worker, Reader]:
    """A worker that has just recovered an empty partition, before anything was sought."""
    reader = Reader()
    writer = KafkaWriter(lambda: cast("Any", None), "changelog", 1)
    worker = Worker(StreamSettings(bootstrap="", app_id="test", partitions=1), cast("Sink", None), writer, reader)
    await worker.recover(cast("UsersTable", SimpleNamespace(records=defaultdict(dict))), {0})
    return worker, reader


def batch(first: int, count: int, *, begin: int, era: int, generation: int = 1) -> EventT[Any]:
    records = [Record(offset, json.dumps(event(f"e{offset}", 1)).encode()) for offset in range(first, first + count)]
    message = SimpleNamespace(
        topic=TP0.topic, partition=0, tp=TP0, generation_id=generation, value=RecordBatch(records, begin, era)
    )
    return cast("EventT[Any]", SimpleNamespace(message=message))


def test_batches_that_follow_each_other_are_folded_whatever_markers_lie_between() -> None:
    async def story() -> int:
        worker, reader = await owner()
        await reader.go_to({TP0: 0})
        await worker.take(batch(0, 5, begin=0, era=1))
        await worker.take(batch(7, 3, begin=5, era=1))
        await worker.take(batch(8, 4, begin=8, era=1))
        assert reader.sent_to == [0]
        return worker.positions()[TP0]

    assert asyncio.run(story()) == 12


def test_what_was_fetched_before_the_recovery_is_dropped() -> None:
    async def story() -> int:
        worker, _ = await owner()
        await worker.take(batch(0, 5, begin=0, era=0))
        return worker.positions()[TP0]

    assert asyncio.run(story()) == 0


def test_a_batch_after_one_that_was_lost_is_read_again_from_there() -> None:
    async def story() -> int:
        worker, reader = await owner()
        await reader.go_to({TP0: 0})
        await worker.take(batch(0, 5, begin=0, era=1))
        await worker.take(batch(9, 3, begin=9, era=1))
        assert reader.sent_to == [0, 5]
        await worker.take(batch(12, 3, begin=12, era=1))
        assert reader.sent_to == [0, 5], "what was fetched before the seek says nothing any more"
        await worker.take(batch(5, 10, begin=5, era=2))
        return worker.positions()[TP0]

    assert asyncio.run(story()) == 15


def test_what_has_been_taken_and_comes_again_is_left_out_and_waits_for_no_delivery() -> None:
    async def story() -> list[int]:
        worker, reader = await owner()
        await reader.go_to({TP0: 0})
        await worker.take(batch(0, 9, begin=0, era=1))
        await worker.take(batch(9, 1, begin=9, era=1))
        waiting = worker.metrics.undelivered._value.get()
        await worker.take(batch(0, 10, begin=10, era=1))
        assert worker.metrics.undelivered._value.get() == waiting
        await worker.take(batch(5, 6, begin=10, era=2))
        assert worker.positions()[TP0] == 11
        return reader.sent_to

    assert asyncio.run(story()) == [0, 10]


def test_batches_of_another_generation_or_partition_are_dropped() -> None:
    async def story() -> int:
        worker, reader = await owner()
        await reader.go_to({TP0: 0})
        await worker.take(batch(0, 5, begin=0, era=1, generation=0))
        worker.revoke()
        await worker.take(batch(0, 5, begin=0, era=1))
        return len(worker.positions())

    assert asyncio.run(story()) == 0


def test_a_last_fetch_that_did_not_arrive_is_read_again() -> None:
    async def scenario() -> None:
        worker, reader = await owner()
        reader.fetched[TP0] = 5
        for _ in range(4):
            await worker.look_for_lost_fetches()
        assert reader.sent_to == []
        await worker.look_for_lost_fetches()
        assert reader.sent_to == [0]

    asyncio.run(scenario())


def test_a_fetch_that_may_wait_behind_others_is_not_read_again() -> None:
    async def scenario() -> None:
        worker, reader = await owner()
        await reader.go_to({TP0: 0})
        reader.fetched[TP0] = 500
        for number in range(20):
            await worker.take(batch(number, 1, begin=number, era=1))
            await worker.look_for_lost_fetches()
        assert reader.sent_to == [0]

    asyncio.run(scenario())


def test_a_last_fetch_is_read_again_although_other_partitions_go_on() -> None:
    async def scenario() -> None:
        worker, reader = await owner()
        await reader.go_to({TP0: 0})
        lost = TP(REKEYED.name, 0)
        reader.fetched[lost] = 5
        for number in range(QUEUED_BATCHES + 2):
            await worker.take(batch(number, 1, begin=number, era=1))
            await worker.look_for_lost_fetches()
            assert reader.sent == [], "it may wait in the queue yet"
        for number in range(QUEUED_BATCHES + 2, QUEUED_BATCHES + 5):
            await worker.take(batch(number, 1, begin=number, era=1))
            await worker.look_for_lost_fetches()
        assert reader.sent == [lost]

    asyncio.run(scenario())
