"""A recovery opens the days that were open at the last flush, and what a cut-off flush published stays exact."""

import random
from collections import Counter, defaultdict
from typing import Any

import pytest

from schemas.topics import EVENTS, REKEYED
from streams.positions import PROGRESS_KEY, decode_progress, encode_progress
from tests.unit.core import brute
from tests.unit.core.support import MONDAY, event
from tests.unit.streams.producer import Sent
from tests.unit.streams.world import AT_END, World

STAGES = [
    ("flush point", "end"),
    ("rows", "begin"),
    ("rows", "end"),
    ("user records", "end"),
    ("progress record", "begin"),
]


async def fold(world: World, *values: dict[str, Any], topic: str = EVENTS.name) -> None:
    world.send(values, topic)
    await world.read(topic)
    await world.flush()


async def world_with_an_old_rekeyed_message() -> World:
    """The rekeyed topic has been at its end since day 0; users came on each day until day 200."""
    world = await World().start()
    world.ends.update(AT_END)
    await fold(world, event("r", 0.5, user="r"), topic=REKEYED.name)
    await fold(world, *(event(f"e{day}", day + 0.5, user=f"u{day % 7}") for day in range(201)))
    return world


def open_cells(world: World) -> int:
    groups = world.worker._owned[0].fold.apps["app"].totals.groups()
    return sum(1 for _, _, _, _, totals in groups for users in totals.values() if users)


def rows_sent(world: World) -> int:
    return sum(len(batch.columns.get("cells", [[]])[0]) for batch in world.batches)


async def test_a_recovery_opens_no_more_cells_than_were_open() -> None:
    world = await world_with_an_old_rekeyed_message()
    before = open_cells(world)
    world.batches.clear()
    await world.start()
    await world.flush()
    assert open_cells(world) == before
    assert rows_sent(world) == before


async def test_a_progress_record_that_does_not_say_it_opens_the_days_since_the_last_rekeyed_message() -> None:
    world = await world_with_an_old_rekeyed_message()
    world.changelog = [without_the_end(sent) if sent.key == PROGRESS_KEY else sent for sent in world.changelog]
    await world.start()
    assert world.worker._owned[0]._cells.open_from == max(0, MONDAY - world.settings.apps.open_days)
    await fold(world, event("old", 1.5, user="v"), topic=REKEYED.name)
    days = defaultdict(set, {f"u{user}": set(range(user, 201, 7)) for user in range(7)}, r={0}, v={1})
    assert world.cells() == expected_cells(days)


def without_the_end(sent: Sent) -> Sent:
    progress = decode_progress(sent.value or b"")
    assert progress.rekeyed_at_end
    progress.rekeyed_at_end = False
    return sent._replace(value=encode_progress(progress))


def expected_cells(days: dict[str, set[int]]) -> Counter[tuple[str, int, int]]:
    found: Counter[tuple[str, int, int]] = Counter()
    for of_user in days.values():
        found += brute.cells({MONDAY + day for day in of_user}, set())
    return found


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_cut_off_after_the_end_was_reached_the_tables_are_exact(seed: int) -> None:
    """Old rekeyed messages come when the topic has long been at its end, and the flush of them ends somewhere."""
    chance = random.Random(seed)
    days: defaultdict[str, set[int]] = defaultdict(set)
    world = await World().start()
    today = messages = 0
    for step in range(12):
        today += chance.choice([1, 5, 40])
        world.ends.update({EVENTS.name: True, REKEYED.name: step % 3 != 1})
        for index in range(chance.randrange(1, 6)):
            topic = chance.choice([EVENTS.name, REKEYED.name])
            day = today if topic == EVENTS.name else chance.randrange(today + 1)
            user = f"u{chance.randrange(4)}"
            days[user].add(day)
            messages += 1
            world.send([event(f"{step}-{index}", day + 0.5, user=user)], topic)
        await world.read_all()
        before = len(world.changelog)
        if step % 2:
            await world.kill_at(*chance.choice(STAGES))
            # Of the user records, some have arrived.
            arrived = [sent for sent in world.changelog[before:] if sent.key != PROGRESS_KEY]
            world.changelog[before:] = arrived[: 1 + chance.randrange(len(arrived))]
            await world.start()
            for topic in chance.sample([EVENTS.name, REKEYED.name], 2):
                await world.read(topic)
        await world.flush()
        assert world.cells() == expected_cells(days)
        assert sum(row["accepted"] for row in world.rows_of("progress").values()) == messages
        users = {(row["user_id"], row["first_date"], row["last_date"]) for row in world.rows_of("users").values()}
        assert users == {(user, MONDAY + min(of_user), MONDAY + max(of_user)) for user, of_user in days.items()}
