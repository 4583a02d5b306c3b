"""A successor folds up to where the flush that was cut off reached, publishes nothing before, and flushes there."""

from collections.abc import Mapping

import pytest
from faust.types import TP

from schemas.topics import EVENTS, REKEYED
from streams import catch_up as catch_up_module
from streams.positions import FLUSH_KEY
from tests.unit.core import brute
from tests.unit.core.support import MONDAY, event
from tests.unit.streams.world import AT_END, BEHIND, World

CUT_OFF_AT = 6
PATIENCE = 3


async def cut_off(stage: str = "rows", **settings: int) -> World:
    """A worker was killed after ``stage`` of a flush of six messages; ten wait for its successor."""
    world = await World(**settings).start()
    world.send(event(f"e{day}", day + 0.5) for day in range(CUT_OFF_AT))
    await world.read()
    await world.kill_at(stage)
    world.send(event(f"e{day}", day + 0.5) for day in range(CUT_OFF_AT, 10))
    await world.start()
    world.batches.clear()
    world.trace.clear()
    return world


def stages(world: World) -> set[str]:
    return {stage for stage, _ in world.trace} - {"ends"}


def published(world: World) -> list[int]:
    """Up to which offset each write to ClickHouse since the kill had folded ``mp.events``."""
    return [batch.columns["progress"][3][0] for batch in world.batches]


def blocked(world: World) -> bool:
    return world.worker.is_blocked


def cells_of(days: int) -> dict[tuple[str, int, int], int]:
    return dict(brute.cells({MONDAY + day for day in range(days)}, set()))


@pytest.mark.parametrize("stage", ["flush point", "rows", "user records"])
async def test_nothing_is_published_before_the_point_and_the_first_flush_is_exactly_there(stage: str) -> None:
    world = await cut_off(stage)
    for _ in range(CUT_OFF_AT - 1):
        await world.read(count=1)
        await world.flush()
        assert stages(world) == set()
    await world.read()
    await world.flush()
    assert published(world) == [CUT_OFF_AT]
    assert world.cells() == cells_of(CUT_OFF_AT)
    assert world.acknowledged == [], "messages beyond the point are in memory only"
    await world.flush()
    assert published(world) == [CUT_OFF_AT, 10]
    assert world.cells() == cells_of(10)
    assert world.acknowledged == [(EVENTS.name, 9)]


async def test_the_flush_is_taken_as_soon_as_the_point_is_reached() -> None:
    world = await cut_off()
    await world.read(count=CUT_OFF_AT)
    await world.flush()
    assert published(world) == [CUT_OFF_AT]
    assert world.acknowledged == [(EVENTS.name, CUT_OFF_AT - 1)]


async def test_users_that_are_ahead_of_the_progress_record_are_a_point_as_well() -> None:
    """A changelog of before there were flush points."""
    world = await cut_off("user records")
    world.changelog = [sent for sent in world.changelog if sent.key != FLUSH_KEY]
    await world.start()
    await world.read(count=CUT_OFF_AT - 1)
    await world.flush()
    assert stages(world) == set()
    await world.read()
    await world.flush()
    assert published(world) == [CUT_OFF_AT]


async def test_a_point_in_the_rekeyed_topic_is_waited_for_as_well() -> None:
    world = await World().start()
    world.send([event("a", 1.5)])
    world.send([event("b", 2.5), event("c", 3.5)], REKEYED.name)
    await world.read_all()
    await world.kill_at("rows")
    await world.start()
    world.batches.clear()
    await world.read(EVENTS.name)
    await world.read(REKEYED.name, count=1)
    await world.flush()
    assert world.batches == []
    await world.read(REKEYED.name, count=1)
    await world.flush()
    assert published(world) == [1]


async def test_a_partition_that_catches_up_does_not_wait_for_room() -> None:
    world = await cut_off(max_unflushed_bytes=1)
    for _ in range(CUT_OFF_AT - 1):
        await world.read(count=1)
        assert not blocked(world), "no flush can make room before the point"
    await world.read(count=1)
    assert blocked(world)
    await world.flush()
    assert not blocked(world)


async def test_room_is_short_for_what_is_not_delivered_and_for_nothing_else() -> None:
    """There is room for two messages and a half."""
    world = await World(max_unflushed_bytes=500).start()
    world.send(event(f"e{number}", 1) for number in range(4))
    await world.read(count=1)
    assert not blocked(world)

    async def read_on() -> None:
        world.on.clear()
        assert not blocked(world)
        await world.read(count=2)
        assert blocked(world)

    world.on["rows", "begin"] = read_on
    await world.flush()
    assert not blocked(world), "the first has been delivered"
    await world.read(count=1)
    assert blocked(world), "the three that came later have not"
    await world.flush()
    assert not blocked(world)


@pytest.fixture
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_up_module, "_PATIENCE_BEATS", PATIENCE)


@pytest.mark.usefixtures("_short_patience")
async def test_messages_that_have_expired_are_given_up_after_some_beats_at_the_end() -> None:
    world = await cut_off()
    await world.read(count=CUT_OFF_AT - 1)
    world.ends.update(AT_END)
    for _ in range(PATIENCE - 1):
        await world.flush()
        assert stages(world) == set()
    await world.flush()
    assert published(world) == [CUT_OFF_AT]
    await world.read()
    await world.flush()
    assert published(world) == [CUT_OFF_AT, 10]
    assert world.acknowledged == [(EVENTS.name, CUT_OFF_AT - 2), (EVENTS.name, 9)]


@pytest.mark.usefixtures("_short_patience")
async def test_only_beats_at_the_end_in_a_row_count() -> None:
    world = await cut_off()
    await world.read(count=CUT_OFF_AT - 1)
    for beat in range(5 * PATIENCE):
        world.ends.update(AT_END if beat % PATIENCE else BEHIND)
        await world.flush()
    assert stages(world) == set()


@pytest.mark.usefixtures("_short_patience")
async def test_the_end_of_the_other_topic_says_nothing_about_the_missing_messages() -> None:
    world = await cut_off()
    world.ends = {EVENTS.name: False, REKEYED.name: True}
    for _ in range(2 * PATIENCE):
        await world.flush()
    assert stages(world) == set()
    world.ends = {EVENTS.name: True, REKEYED.name: False}
    for _ in range(PATIENCE):
        await world.flush()
    assert published(world) == [CUT_OFF_AT]


async def test_what_waits_for_the_other_topic_is_bounded_and_the_rest_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await World(max_unflushed_bytes=3_000).start()
    world.send([event("r", 0.5)], REKEYED.name)
    await world.read(REKEYED.name)
    await world.kill_at("rows")
    await world.start()
    world.batches.clear()
    world.send(event(f"e{day}", day + 0.5) for day in range(100))

    async def go_to(positions: Mapping[TP, int]) -> None:
        world._fetched.update(positions)

    monkeypatch.setattr(world._group, "go_to", go_to)
    # The leader of the other topic is away.
    for _ in range(100):
        await world.read(count=1)
        await world.flush()
    (partition,) = world.worker._owned.values()
    assert 3_000 <= partition._catch_up.held_bytes < 3_500
    assert published(world) == [], "nothing before the point"
    await world.read(REKEYED.name)
    await world.flush()  # at the point
    await world.flush()  # what was held
    world.send([event("later", 100.5)])
    await world.read()
    await world.read()
    await world.flush()
    assert world.cells() == cells_of(101)
