"""Users at rest leave memory after a flush: whatever the bound, the tables and the durable state are the same."""

import random
from collections import defaultdict
from typing import Any

import pytest

from streams import partition as partition_module
from tests.unit.core import brute
from tests.unit.core.support import MONDAY, event
from tests.unit.streams.world import AT_END, World

USERS = 7
FLUSHES = 25


def story(seed: int) -> list[list[dict[str, Any]]]:
    """Messages, flush by flush: days that go up and are now and then two days late, check-ins among them."""
    chance = random.Random(seed)
    return [
        [
            event(
                f"{step}-{index}",
                max(0, 2 * step - chance.choice([0, 0, 0, 1, 2])) + 0.5,
                user=f"u{chance.randrange(USERS)}",
                name=chance.choice(["page_view", "check_in"]),
            )
            for index in range(chance.randrange(1, 9))
        ]
        for step in range(FLUSHES)
    ]


def expected_cells(steps: list[list[dict[str, Any]]]) -> dict[tuple[str, int, int], int]:
    active: defaultdict[str, set[int]] = defaultdict(set)
    checked_in: defaultdict[str, set[int]] = defaultdict(set)
    for value in (value for step in steps for value in step):
        day = MONDAY + (value["ts"] - event("", 0)["ts"]) // 86_400_000
        active[value["user_id"]].add(day)
        if value["event"] == "check_in":
            checked_in[value["user_id"]].add(day)
    found = sum((brute.cells(days, checked_in[user]) for user, days in active.items()), start=brute.cells(set(), set()))
    return dict(found)


async def told(steps: list[list[dict[str, Any]]], *, crash: bool) -> World:
    """The story, with messages folded while each flush is on its way; perhaps with a new worker now and then."""
    world = await World().start()
    for number, step in enumerate(steps):
        half = len(step) // 2
        world.send(step[:half])
        await world.read()

        async def read_on(rest: list[dict[str, Any]] = step[half:]) -> None:
            world.on.clear()
            world.send(rest)
            await world.read()

        world.on["user records", "begin"] = read_on
        await world.flush()
        if world.on:  # nothing was due
            await read_on()
        if crash and number % 5 == 4:
            await world.start()
            await world.read()
    world.ends.update(AT_END)
    await world.flush()
    return world


@pytest.mark.parametrize("crash", [False, True], ids=["one worker", "five workers"])
@pytest.mark.parametrize("bound", [0, 1, 3])
async def test_tables_are_the_same_however_few_users_stay_in_memory(
    bound: int, monkeypatch: pytest.MonkeyPatch, *, crash: bool
) -> None:
    steps = story(bound)
    monkeypatch.setattr(partition_module, "_HOT_USERS", 1_000_000)
    roomy = await told(steps, crash=False)
    monkeypatch.setattr(partition_module, "_HOT_USERS", bound)
    tight = await told(steps, crash=crash)
    assert tight.cells() == roomy.cells() == expected_cells(steps)
    for table in ("users", "progress"):
        assert tight.rows_of(table) == roomy.rows_of(table)
    accepted = sum(row["accepted"] for row in tight.rows_of("progress").values())
    assert accepted == sum(map(len, steps))


@pytest.mark.parametrize("bound", [0, 1_000_000])
async def test_a_recovery_from_the_delivered_records_gives_every_open_cell(
    bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_module, "_HOT_USERS", bound)
    steps = story(7)
    world = await told(steps, crash=False)
    world.rows.clear()
    await world.start()
    await world.flush()
    newest = MONDAY + (max(value["ts"] for step in steps for value in step) - event("", 0)["ts"]) // 86_400_000
    open_from = newest - world.settings.apps.open_days
    expected = {cell: users for cell, users in expected_cells(steps).items() if brute.last_day(*cell) >= open_from}
    assert world.cells() == expected
