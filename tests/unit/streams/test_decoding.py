"""What is decoded in whole batches is what aiokafka gives out itself, record by record and position by position."""

import asyncio
import gc
import itertools
import sys
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException, TopicAuthorizationFailedError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from streams.decoding import decode_whole_batches, until_fetched

TP = TopicPartition("events", 0)
_CRC, _ATTRIBUTES, _CONTROL = 17, 21, 0x20


class Batch(NamedTuple):
    """A Kafka batch: how far each record lies after the one before, the codec, and whether it marks a transaction."""

    steps: list[int]
    codec: int = 0
    is_control: bool = False


def encode(batches: list[Batch]) -> bytes:
    encoded, offset = b"", 0
    for batch in batches:
        builder = DefaultRecordBatchBuilder(2, batch.codec, 0, -1, -1, -1, 1 << 20)
        for place, step in enumerate(batch.steps):
            offset += step if place else 0
            key = None if offset % 3 == 0 else b"k%d" % offset
            value = None if offset % 5 == 0 else b"v%d" % offset
            builder.append(offset - batch_begin(encoded), 1_000 + offset, key, value, [("h", b"x")] * (offset % 2))
        data = bytearray(builder.build())
        data[:8] = batch_begin(encoded).to_bytes(8, "big")
        if batch.is_control:
            data[_ATTRIBUTES + 1] |= _CONTROL
            data[_CRC : _CRC + 4] = calc_crc32c(bytes(data[_ATTRIBUTES:])).to_bytes(4, "big")
        encoded += bytes(data)
        offset += 1
    return encoded


def batch_begin(encoded: bytes) -> int:
    """The offset after the last batch."""
    records, end = MemoryRecords(encoded), 0
    while records.has_next():
        end = records.next_batch().next_offset
    return end


class Fetched:
    """An answer of a broker, as it waits in aiokafka's fetcher, and the consumer's position."""

    def __init__(self, encoded: bytes, begin: int = 0, isolation: int = READ_UNCOMMITTED) -> None:
        self.position, self.paused = begin, False
        assignment = SimpleNamespace(active=True, state_value=lambda _tp: self)
        source = PartitionRecords(TP, MemoryRecords(encoded), [], begin, None, None, True, isolation)
        self.result = FetchResult(TP, assignment=assignment, partition_records=source, backoff=0)
        self.fetcher: Any = SimpleNamespace(_records={TP: self.result})

    def consumed_to(self, position: int) -> None:
        self.position = position

    def take(self, most: int) -> list[tuple[Any, ...]]:
        return [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in self.result.getall(most)]

    def all(self, most: list[int]) -> list[tuple[list[tuple[Any, ...]], int]]:
        """What is given out, asked for in portions of ``most``, each with the position after it."""
        portions: list[tuple[list[tuple[Any, ...]], int]] = []
        for number in itertools.count():
            if not self.result.has_more():
                return portions
            records = self.take(most[len(portions) % len(most)])
            assert number <= 200
            if records:
                portions.append((records, self.position))
        return portions


batches = st.lists(
    st.builds(
        Batch,
        st.lists(st.integers(1, 3), min_size=1, max_size=6),
        st.sampled_from((0, 0, 1)),
        st.sampled_from((False, False, False, True)),
    ),
    min_size=1,
    max_size=5,
)


@given(batches, st.integers(0, 30), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_the_same_records_and_positions_as_aiokafka(given_batches: list[Batch], begin: int, most: list[int]) -> None:
    encoded = encode(given_batches)
    # Within the first batch: a broker leaves out those that end before.
    begin %= MemoryRecords(encoded).next_batch().next_offset
    ours, theirs = Fetched(encoded, begin), Fetched(encoded, begin)
    decode_whole_batches(ours.fetcher)
    mine, its = ours.all(most), theirs.all(most)
    assert [records for records, _ in mine] == [records for records, _ in its]
    # aiokafka steps over what holds no records when it looks for the next one, not before.
    following = [*(records[0][0] for records, _ in mine[1:]), theirs.position][: len(mine)]
    for (_, position), (_, its_position), following_offset in zip(mine, its, following, strict=True):
        assert its_position <= position <= following_offset
    assert ours.position == theirs.position


def test_after_a_seek_nothing_of_the_fetch_is_given_out() -> None:
    fetched = Fetched(encode([Batch([1] * 5)]))
    decode_whole_batches(fetched.fetcher)
    assert len(fetched.take(2)) == 2
    fetched.position = 4
    assert fetched.take(2) == []
    assert not fetched.result.has_more()


def test_a_damaged_batch_is_fetched_again_with_all_that_was_not_given_out() -> None:
    good = encode([Batch([1, 1]), Batch([1, 1])])
    fetched = Fetched(good[:-1] + bytes((good[-1] ^ 1,)))
    decode_whole_batches(fetched.fetcher)
    assert len(fetched.take(1)) == 1
    with pytest.raises(CorruptRecordException):
        fetched.take(5)
    assert fetched.position == 1
    assert not fetched.result.has_more()


@pytest.mark.parametrize("taken", [0, 2, 5])
def test_an_answer_leaves_memory_as_soon_as_it_was_given_out_or_dropped(taken: int) -> None:
    answer = encode([Batch([1] * 3), Batch([1] * 2)])
    references = sys.getrefcount(answer)
    gc.disable()
    try:
        fetched = Fetched(answer)
        decode_whole_batches(fetched.fetcher)
        assert len(fetched.take(taken)) == taken
        assert fetched.result.has_more() == (taken < 5)
        if taken == 5:
            assert sys.getrefcount(answer) == references
        fetched.fetcher._records.clear()
        del fetched.result
        assert sys.getrefcount(answer) == references
    finally:
        gc.enable()


def test_what_was_begun_by_aiokafka_is_ended_by_it() -> None:
    fetched = Fetched(encode([Batch([1] * 5), Batch([1] * 5)]))
    begun = fetched.take(3)
    decode_whole_batches(fetched.fetcher)
    assert [record[0] for record in begun + fetched.take(20)] == list(range(10))


def test_of_committed_records_aiokafka_knows() -> None:
    fetched = Fetched(encode([Batch([1])]), isolation=READ_COMMITTED)
    decode_whole_batches(fetched.fetcher)
    assert "getall" not in vars(fetched.result)


def test_waiting_ends_with_an_answer_or_what_prevents_one() -> None:
    async def wait(answer: Any) -> Any:
        waiter = asyncio.get_running_loop().create_future()
        if isinstance(answer, Exception):
            waiter.set_exception(answer)
        elif answer:
            waiter.set_result(None)
        await until_fetched(SimpleNamespace(_create_fetch_waiter=lambda: waiter), 0.001)
        return waiter.cancelled()

    assert asyncio.run(wait(True)) is False
    assert asyncio.run(wait(False)) is True
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(wait(TopicAuthorizationFailedError("events")))
