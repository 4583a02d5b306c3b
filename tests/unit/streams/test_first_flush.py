"""The first flush after a recovery publishes every open cell, so that a lost one heals; later ones what changed."""

from tests.unit.core import brute
from tests.unit.core.support import MONDAY, event
from tests.unit.streams.world import World

DAYS = {"a": (0, 1, 9, 40), "b": (1, 38, 39, 40), "c": (2,)}


async def recovered() -> World:
    """A worker that has recovered three users, and tables that have lost every row."""
    world = await World().start()
    visits = sorted((day, user) for user, days in DAYS.items() for day in days)
    world.send([event(f"{user}{day}", day + 0.5, user=user, channel=user) for day, user in visits])
    await world.read()
    await world.flush()
    world.rows.clear()
    world.batches.clear()
    world.trace.clear()
    return await world.start()


def open_cells(*extra: int) -> dict[tuple[str, int, int], int]:
    """What should stand in the cells that can still change, user ``a`` being active on the days ``extra`` as well."""
    days = {user: {MONDAY + day for day in of_user} for user, of_user in DAYS.items()}
    days["a"] |= set(extra)
    cells = sum((brute.cells(of_user, set()) for of_user in days.values()), start=brute.cells(set(), set()))
    return {cell: users for cell, users in cells.items() if brute.last_day(*cell) >= MONDAY + 40 - 6}


async def test_the_first_flush_publishes_every_open_cell() -> None:
    world = await recovered()
    await world.flush()
    assert world.cells() == open_cells()
    segments = {
        (row["value"], row["start"], row["n"]) for row in world.rows.values() if row.get("segment") == "channel"
    }
    assert segments == {("a", MONDAY, 40), ("b", MONDAY + 1, 37), ("b", MONDAY + 1, 38), ("b", MONDAY + 1, 39)}


async def test_nothing_is_published_again_without_news() -> None:
    world = await recovered()
    await world.flush()
    world.trace.clear()
    await world.flush()
    assert {stage for stage, _ in world.trace} <= {"ends"}


async def test_later_flushes_publish_only_what_changed() -> None:
    world = await recovered()
    await world.flush()
    world.rows.clear()
    world.send([event("late", 39.5, user="a")])
    await world.read()
    await world.flush()
    before, after = open_cells(), open_cells(MONDAY + 39)
    cells = {(key[1], key[3], key[4]) for key in world.rows if key[0] == "cells" and not key[5]}
    assert cells == {cell for cell in before | after if before.get(cell) != after.get(cell)}
