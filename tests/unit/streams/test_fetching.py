"""What the consumer thread asks aiokafka for."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams import consumer_thread
from streams.consumer_thread import BatchConsumerThread
from streams.transport import BatchConsumer


def test_a_fetch_ends_soon_so_that_partitions_held_back_take_part_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust leaves those out whose batches fill the queue, and asks with a timeout of a second."""
    waited = []

    async def fetched_records(partitions: set[TP], timeout: float, max_records: int) -> dict[TP, list[Any]]:
        waited.append(timeout)
        return {}

    async def until_fetched(_fetcher: Any, timeout_s: float) -> None:
        waited.append(timeout_s)

    monkeypatch.setattr(consumer_thread, "until_fetched", until_fetched)
    fetcher = SimpleNamespace(
        _closed=False,
        _records={},
        _subscriptions=SimpleNamespace(fetch_context=nullcontext),
        fetched_records=fetched_records,
    )
    thread = BatchConsumerThread.__new__(BatchConsumerThread)
    thread.consumer = SimpleNamespace(flow_active=True)  # type: ignore[assignment]
    consumer: Any = SimpleNamespace(_fetcher=fetcher, _closed=False)
    assert asyncio.run(thread._fetch_records(consumer, set(), timeout=1.0, max_records=5)) == {}
    assert waited == [0, 0.1, 0]


def test_waiting_for_faust_to_ask_ends_when_it_does_and_when_it_does_not() -> None:
    async def turns(asked_after: int | None, stopped_after: int | None = None) -> int:
        consumer = BatchConsumer.__new__(BatchConsumer)
        consumer._thread = SimpleNamespace(is_asked=False)  # type: ignore[assignment]
        consumer.flow_active = True
        waiting, taken = asyncio.ensure_future(consumer.until_asked()), 0
        while not waiting.done():
            await asyncio.sleep(0)
            taken += 1
            consumer._thread.is_asked = taken == asked_after
            consumer.flow_active = taken != stopped_after
        return taken

    asked, stopped, never = asyncio.run(turns(50)), asyncio.run(turns(None, 5)), asyncio.run(turns(None))
    assert 50 <= asked <= 52
    assert 5 <= stopped <= 7
    assert asked < never < 200
