"""``BatchConsumer.at_end`` while fetches, seeks and rebalances go on."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from streams.transport import BatchConsumer

TP0 = TP("mp.events", 0)


class Consumer(BatchConsumer):
    """With the answers of the consumer thread given."""

    def __init__(self, highwater: int, position: Callable[["Consumer"], int]) -> None:
        self.fetched: dict[TP, int] = {}
        self._known = highwater
        self._answer = position
        self._answers = {}
        self.answered_at = 1

    def __del__(self) -> None:
        """Nothing was started."""

    def assignment(self) -> set[TP]:
        return {TP0}

    def highwater(self, tp: TP) -> int:
        return self._known

    def _last_answer(self, tp: TP) -> int:
        return self.answered_at

    def _fetched_to(self, tp: TP, otherwise: int) -> int:
        return self.fetched.get(tp, otherwise)

    async def position(self, tp: TP) -> int | None:
        await asyncio.sleep(0)
        return self._answer(self)


def test_messages_that_are_handed_over_meanwhile_are_not_the_end() -> None:
    def fetched(consumer: Consumer) -> int:
        # The thread steps over records 100..149, which the main loop has queued for the fold by now.
        consumer.fetched[TP0] = 150
        return 150

    consumer = Consumer(150, fetched)
    assert asyncio.run(consumer.at_end(TP0, 100)) is False


def test_a_partition_that_went_away_and_came_back_is_at_its_end_behind_a_marker() -> None:
    """Owned up to 100, folded to 500 by another worker, then owned again; at 500 stands a transaction's marker."""
    consumer = Consumer(501, lambda _: 501)
    consumer.fetched[TP0] = 100
    assert asyncio.run(consumer.at_end(TP0, 500)) is True


def test_a_partition_that_is_taken_away_meanwhile_stops_nobody() -> None:
    def gone(_: Any) -> int:
        raise IllegalStateError("Partition is not assigned")

    try:
        assert asyncio.run(Consumer(150, gone).at_end(TP0, 100)) is False
    except IllegalStateError as error:
        pytest.fail(f"the flush would crash the worker: {error!r}")


def test_an_end_that_no_broker_confirms_any_more_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("streams.transport.time.monotonic", lambda: now)
    consumer = Consumer(100, lambda _: 100)

    def at_end() -> bool:
        return asyncio.run(consumer.at_end(TP0, 100))

    assert at_end() is True
    now += 10
    assert at_end() is True
    now += 10
    assert at_end() is False
    consumer.answered_at += 1
    assert at_end() is True
