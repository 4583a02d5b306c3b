"""Days close behind the watermarks of both topics: repeats of open days are known, closed days reopen exactly."""

import pytest

from schemas.apps import AppCatalog, AppSettings
from schemas.topics import EVENTS, REKEYED
from streams.codec import decode_user, encode_key
from tests.unit.core import brute
from tests.unit.core.support import MONDAY, event
from tests.unit.streams.world import AT_END, World

EXACT = AppCatalog(default=AppSettings(allowed_lateness=3, make_up_days=0))
MAKE_UPS = AppCatalog(default=AppSettings(allowed_lateness=3, make_up_days=5))


async def fold(world: World, *days: int, topic: str = EVENTS.name, user: str = "u", prefix: str = "e") -> None:
    """One message a day, then a flush."""
    world.send([event(f"{prefix}{day}", day + 0.5, user=user) for day in days], topic)
    await world.read(topic)
    await world.flush()


def counts(world: World, topic: str) -> tuple[int, int, int]:
    """Accepted, duplicate and late messages of the topic as published."""
    row = world.rows_of("progress")["progress", topic, 0]
    return row["accepted"], row["duplicate"], row["late"]


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(("apps", "open_days"), [(EXACT, 3), (MAKE_UPS, 8)], ids=["no make-ups", "make-ups"])
async def test_a_repeat_is_known_up_to_the_last_day_that_is_not_late(
    apps: AppCatalog, open_days: int, *, crash: bool
) -> None:
    world = await World(apps=apps).start()
    world.ends.update(AT_END)
    await fold(world, *range(20))
    if crash:
        await world.start()
    remembered = decode_user([sent for sent in world.changelog if sent.key == encode_key("app", "u")][-1].value or b"")
    assert sorted(remembered.event_ids) == list(range(MONDAY + 19 - open_days, MONDAY + 20))
    await fold(world, 15, 16, 17, 18, 19)
    assert counts(world, EVENTS.name) == (20, 4, 1)


@pytest.mark.parametrize("crash", [False, True])
async def test_repeats_of_the_rekeyed_topic_are_known_while_it_lags(*, crash: bool) -> None:
    world = await World(apps=EXACT).start()
    await fold(world, 40, topic=REKEYED.name)
    await fold(world, 59, 60)
    await fold(world, 60, user="v")
    if crash:
        await world.start()
    await fold(world, 40, topic=REKEYED.name)
    assert counts(world, REKEYED.name) == (1, 1, 0)


async def test_cells_stay_open_while_the_rekeyed_topic_lags() -> None:
    world = await World(apps=EXACT).start()
    await fold(world, 40, topic=REKEYED.name)
    await fold(world, 60, user="v")
    world.rows.clear()
    await world.start()
    await world.flush()
    cells = brute.cells({MONDAY + 40}, set()) + brute.cells({MONDAY + 60}, set())
    assert world.cells() == {cell: n for cell, n in cells.items() if brute.last_day(*cell) >= MONDAY + 40 - 3}


async def test_at_the_end_of_the_rekeyed_topic_only_the_other_watermark_keeps_days_open() -> None:
    world = await World(apps=EXACT).start()
    await fold(world, 40, topic=REKEYED.name)
    world.ends.update(AT_END)
    await fold(world, 60)
    remembered = decode_user([sent for sent in world.changelog if sent.key == encode_key("app", "u")][-1].value or b"")
    assert list(remembered.event_ids) == [MONDAY + 60]


@pytest.mark.parametrize("days", [[48], [48, 49, 50, 51, 52], [56], [57]], ids=str)
@pytest.mark.parametrize("at_rest", [False, True], ids=["in memory", "at rest"])
async def test_a_day_that_has_closed_reopens_exactly(days: list[int], *, at_rest: bool) -> None:
    """Day 57 is open, those before it are not; others were active then, and rest in memory or in the changelog."""
    world = await World(apps=EXACT).start()
    world.ends.update(AT_END)
    active = {"u": {3, 50, 51, 60}, "v": {50, 58}, "w": {49, 56, 57}}
    visits = sorted((day, user) for user, days in active.items() for day in days)
    world.send([event(f"{user}{day}", day + 0.5, user=user, channel="ads") for day, user in visits])
    await world.read()
    await world.flush()
    if at_rest:
        await world.start()
        await world.flush()
    for old in days:
        active["u"].add(old)
        await fold(world, old, topic=REKEYED.name, prefix="r")
    cells = [brute.cells({MONDAY + day for day in of_user}, set()) for of_user in active.values()]
    assert world.cells() == cells[0] + cells[1] + cells[2]
    segments = {
        (row["start"], row["n"]): row["users"]
        for row in world.rows.values()
        if row.get("segment") == "channel" and row["users"]
    }
    assert segments == {
        (start, n): users for (family, start, n), users in world.cells().items() if family == "new_daily"
    }
