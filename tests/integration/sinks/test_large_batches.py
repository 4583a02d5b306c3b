"""A batch larger than one insert may be goes out in several, and is stored whole and exactly."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas.tables import RowBatch
from sinks.client import Client
from sinks.retry import Backoff
from sinks.upsert import ClickHouseSink
from tests.integration.sinks.gateway import LOSE_ANSWER, Gateway, free_port

QUICK = Backoff(first=0.01, cap=0.05)
#: Two full inserts and one row more.
ROWS = 200_001
DAYS = 1_000


@pytest.fixture
async def gateway(url: str) -> AsyncIterator[Gateway]:
    async with Gateway(url, free_port()) as running:
        yield running


@pytest.fixture
async def sink(client: Client, gateway: Gateway) -> AsyncIterator[ClickHouseSink]:
    sink = ClickHouseSink(gateway.url, "default", "", str(client.database), QUICK)
    yield sink
    await sink.close()


def batch(version: int) -> RowBatch:
    """Cell i counts i + version users."""
    rows = RowBatch()
    numbers = range(ROWS)
    rows.extend(
        "cells",
        [1] * ROWS,
        ["active_daily"] * ROWS,
        ["shop"] * ROWS,
        [19_000 + number % DAYS for number in numbers],
        [number // DAYS for number in numbers],
        [""] * ROWS,
        [""] * ROWS,
        [0] * ROWS,
        [number + version for number in numbers],
        [version] * ROWS,
    )
    rows.add("progress", (1, "mp.events", 0, version, 19_782, False, 1, 1, 0, 0, 0, 0, 0, version))
    return rows


def wrong(client: Client, version: int) -> tuple[int, int]:
    """How many cells are stored, and how many of them do not hold what ``batch(version)`` says."""
    ((stored, differing),) = client.query(
        "SELECT count(), countIf(users != toUInt64(n) * {days:UInt64} + (toUInt32(start) - 19000) + {version:UInt64}) "
        "FROM cells FINAL",
        {"days": DAYS, "version": version},
    ).result_rows
    return int(stored), int(differing)


async def test_a_batch_of_several_inserts_is_stored_whole(
    client: Client, sink: ClickHouseSink, gateway: Gateway
) -> None:
    await sink.write(batch(1))
    # Three of cells, one of progress.
    assert gateway.inserts == gateway.stored == 4
    assert wrong(client, 1) == (ROWS, 0)


async def test_only_the_insert_that_failed_is_sent_again(
    client: Client, sink: ClickHouseSink, gateway: Gateway
) -> None:
    gateway.answers.extend([200, 503, 503, 200, LOSE_ANSWER])
    await sink.write(batch(1))
    # The driver itself sends an insert again when its answer is lost.
    assert (gateway.inserts, gateway.stored) == (7, 5)
    assert wrong(client, 1) == (ROWS, 0)
    assert client.query("SELECT offset FROM progress FINAL").result_rows == [(1,)]


async def test_a_write_given_up_between_inserts_is_repaired_by_writing_again(
    client: Client, sink: ClickHouseSink, gateway: Gateway
) -> None:
    await sink.write(batch(1))
    gateway.answers.extend([200, *[503] * 1_000])
    first = gateway.stored
    writing = asyncio.create_task(sink.write(batch(2)))
    async with asyncio.timeout(30):
        while gateway.inserts - first < 3:
            await asyncio.sleep(0.01)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    gateway.answers.clear()
    assert gateway.stored == first + 1
    # A part of the batch is stored, and progress does not speak of it.
    assert 0 < wrong(client, 2)[1] < ROWS
    assert client.query("SELECT offset FROM progress FINAL").result_rows == [(1,)]
    await sink.write(batch(2))
    assert wrong(client, 2) == (ROWS, 0)
    assert client.query("SELECT offset FROM progress FINAL").result_rows == [(2,)]
