"""A flush visits the apps that something came for, and apps without an open cell leave memory: no table knows of it."""

import random
from collections import Counter, defaultdict
from types import ModuleType
from typing import Any

import pytest

from schemas.topics import EVENTS, REKEYED
from streams import open_cells
from streams import partition as partition_module
from streams.core.app_fold import AppFold
from streams.core.totals import is_closed
from tests.unit.core import brute
from tests.unit.core.support import DAY_MS, MONDAY, MONDAY_MS, event
from tests.unit.streams.world import AT_END, BEHIND, World

#: Beyond the horizon of unbounded retention, and the days that stay open behind the watermark.
LONG = 400
APPS = 30


def of_app(app_id: str, event_id: str, day: float, **fields: Any) -> dict[str, Any]:
    return {**event(event_id, day, **fields), "app_id": app_id}


async def fold(world: World, *values: dict[str, Any], topic: str = EVENTS.name) -> None:
    world.send(values, topic)
    await world.read(topic)
    await world.flush()


def apps_in_memory(world: World) -> set[str]:
    return set(world.worker._owned[0].fold.apps)


def cells(world: World) -> dict[str, Counter[brute.CellKey]]:
    """The published cells that are not zero, by app, without segments."""
    found: defaultdict[str, Counter[brute.CellKey]] = defaultdict(Counter)
    for (table, *_), row in world.rows.items():
        if table == "cells" and not row["segment"] and row["users"]:
            found[row["app_id"]][row["family"], row["start"], row["n"]] = row["users"]
    return found


async def world_of_many_apps() -> World:
    world = await World().start()
    world.ends.update(AT_END)
    await fold(world, *(of_app(f"app{number}", f"e{number}", 0.5) for number in range(APPS)))
    return world


async def test_a_flush_visits_the_apps_that_something_came_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await world_of_many_apps()
    visits: Counter[str] = Counter()

    def counted(module: ModuleType, name: str) -> None:
        do = getattr(module, name)

        def visit(app: AppFold) -> Any:
            visits[name] += 1
            return do(app)

        monkeypatch.setattr(module, name, visit)

    counted(open_cells, "oldest_change")
    counted(open_cells, "settle")
    counted(partition_module, "is_closed")
    await fold(world, of_app("app3", "x", 0.6), of_app("app7", "y", 0.6), of_app("app3", "z", 0.7))
    assert visits == {"oldest_change": 2, "settle": 2, "is_closed": 2}


async def test_apps_leave_memory_when_their_last_cell_has_closed() -> None:
    world = await world_of_many_apps()
    await fold(world, of_app("app3", "x", LONG))
    assert apps_in_memory(world) == {"app3"}
    assert world.worker._owned[0].fold.users_in_memory == 1


async def test_apps_that_only_sent_what_was_refused_leave_memory() -> None:
    world = await World().start()
    await fold(world, of_app("app", "x", 40), *(of_app(f"app{number}", "y", 0.5) for number in range(APPS)))
    assert apps_in_memory(world) == {"app"}


async def test_a_successor_keeps_only_apps_with_open_cells() -> None:
    world = await world_of_many_apps()
    await fold(world, of_app("app3", "x", LONG))
    world.batches.clear()
    await world.start()
    await world.flush()
    assert apps_in_memory(world) == {"app3"}
    assert {app_id for batch in world.batches for app_id in batch.columns["apps"][1]} == {
        f"app{number}" for number in range(APPS)
    }


async def test_what_comes_while_the_flush_is_on_its_way_keeps_its_app() -> None:
    world = await world_of_many_apps()

    async def come_back() -> None:
        world.on.clear()
        world.send([of_app("app5", "back", LONG)])
        await world.read()

    world.on["user records", "begin"] = come_back
    await fold(world, of_app("app3", "x", LONG))
    assert apps_in_memory(world) == {"app3", "app5"}
    await world.flush()
    row = world.rows_of("users")["users", "app5", "u"]
    assert (row["first_date"], row["last_date"]) == (MONDAY, MONDAY + LONG)


async def test_an_app_that_left_memory_is_counted_when_its_cells_open_again() -> None:
    world = await world_of_many_apps()
    await fold(world, of_app("app3", "x", LONG))
    world.ends.update(BEHIND)
    await fold(world, of_app("app3", "old", 1.5, user="v"), topic=REKEYED.name)
    await fold(world, of_app("app5", "old", 1.5, user="v"), topic=REKEYED.name)
    expected = brute.cells({MONDAY}, set()) + brute.cells({MONDAY + 1}, set())
    assert cells(world)["app5"] == expected


Steps = list[list[tuple[str, dict[str, Any]]]]


def story(seed: int) -> Steps:
    """Flush by flush: a few apps that are away for long, now and then a rekeyed event of long ago."""
    chance = random.Random(seed)
    steps: Steps = []
    day = 0
    for step in range(20):
        day += chance.choice([0, 1, 3, 30, 150, LONG])
        messages = []
        for index in range(chance.randrange(1, 6)):
            topic = REKEYED.name if chance.random() < 0.15 else EVENTS.name
            back = chance.randrange(day + 1) if topic == REKEYED.name else min(day, chance.choice([0, 0, 1, 2]))
            fields = {"user": f"u{chance.randrange(3)}", "name": chance.choice(["page_view", "check_in"])}
            value = of_app(f"app{chance.randrange(5)}", f"{step}-{index}", day - back + 0.5, **fields)
            messages.append((topic, value))
        steps.append(messages)
    return steps


async def told(steps: Steps, *, crash: bool) -> World:
    """The story, the last message of each step folded while the flush is on its way; with a new worker at times."""
    world = await World().start()
    for number, step in enumerate(steps):
        world.ends.update({topic.name: number % 4 != 0 for topic in (EVENTS, REKEYED)})

        async def read_on(last: tuple[str, dict[str, Any]] = step[-1]) -> None:
            world.on.clear()
            world.send([last[1]], last[0])
            await world.read(last[0])

        for topic, value in step[:-1]:
            world.send([value], topic)
            await world.read(topic)
        world.on["user records", "begin"] = read_on
        await world.flush()
        if world.on:
            await read_on()
        if crash and number % 5 == 4:
            await world.start()
            await world.read_all()
        partition = world.worker._owned[0].fold
        assert partition.users_in_memory == sum(len(app.users) for app in partition.apps.values())
    world.ends.update(AT_END)
    await world.flush()
    return world


def published_apps(world: World) -> list[tuple[Any, ...]]:
    return sorted(row for batch in world.batches for row in zip(*batch.columns.get("apps", []), strict=True))


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("seed", range(4))
async def test_tables_are_the_same_whether_apps_leave_memory_or_not(
    seed: int, monkeypatch: pytest.MonkeyPatch, *, crash: bool
) -> None:
    steps = story(seed)
    dropped = []

    def noted(app: AppFold) -> bool:
        if is_closed(app):
            dropped.append(app.app_id)
        return is_closed(app)

    monkeypatch.setattr(partition_module, "is_closed", noted)
    dropping = await told(steps, crash=crash)
    monkeypatch.setattr(partition_module, "is_closed", lambda _app: False)
    keeping = await told(steps, crash=crash)
    assert dropping.rows == keeping.rows
    assert published_apps(dropping) == published_apps(keeping)
    assert dropped

    active: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    checked_in: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for value in (value for step in steps for _, value in step):
        user = value["app_id"], value["user_id"]
        day = MONDAY + (value["ts"] - MONDAY_MS) // DAY_MS
        active[user].add(day)
        if value["event"] == "check_in":
            checked_in[user].add(day)
    expected: defaultdict[str, Counter[brute.CellKey]] = defaultdict(Counter)
    for (app_id, user_id), days in active.items():
        expected[app_id] += brute.cells(days, checked_in[app_id, user_id])
    assert cells(dropping) == expected
