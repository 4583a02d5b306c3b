"""When the next flush is due."""

import asyncio

import pytest

from schemas.topics import EVENTS
from tests.unit.core.support import event
from tests.unit.streams.world import World


async def test_a_flush_is_due_at_once_when_folding_waits_for_it() -> None:
    world = await World(max_unflushed_bytes=1_000, flush_interval_s=3_600).start()
    due = asyncio.ensure_future(world.worker.until_due())
    world.send(event(f"e{number}", 0.5) for number in range(20))
    await world.read(EVENTS.name)
    await asyncio.wait_for(due, 30)
    await world.flush()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.worker.until_due(), 0.2)


@pytest.mark.parametrize("interval_s", [0.001, 0.1])
async def test_otherwise_a_flush_is_due_after_an_interval(interval_s: float) -> None:
    world = await World(flush_interval_s=interval_s).start()
    await asyncio.wait_for(world.worker.until_due(), 30)
