"""The stages of a flush: each begins when the one before has ended, and none follows a revocation or a failure."""

import asyncio
from collections import Counter

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from faust.types import TP

from schemas.errors import Terminal
from schemas.topics import EVENTS
from streams.partitioner import Partitioner
from tests.unit.core.support import event
from tests.unit.streams.world import World

#: The stages that must be over before the next begins; within one, order is free.
STAGES = (
    {"flush point"},
    {"ownership"},
    {"dead letters", "rekeyed"},
    {"rows"},
    {"user records"},
    {"progress record"},
    {"ack"},
)
RANK = {stage: rank for rank, stages in enumerate(STAGES) for stage in stages}
SENT = sorted(RANK.keys() - {"ack", "ownership"}, key=lambda stage: (RANK[stage], stage))
HOME = Partitioner(2)
#: A user who lives in partition 0, and one who lives in partition 1.
USERS = [next(name for name in (f"u{index}" for index in range(100)) if HOME(name) == number) for number in (0, 1)]


async def loaded() -> World:
    """Two partitions, each with an event, an invalid message, and an event of a user of the other one, folded."""
    world = await World(2).start()
    for number in (0, 1):
        own, other = USERS[number], USERS[1 - number]
        world.send([event(f"a{number}", 1, own), b"{", event(f"b{number}", 1, other)], partition=number)
        await world.read(partition=number)
    return world


def stages(world: World) -> list[str]:
    return [stage for stage, _ in world.trace if stage in RANK]


async def test_each_stage_of_all_partitions_is_over_before_the_next_begins() -> None:
    world = await loaded()
    await world.flush()
    ranks = [RANK[stage] for stage in stages(world)]
    assert ranks == sorted(ranks), world.trace
    ended = Counter(stage for stage, phase in world.trace if phase == "end")
    assert {stage: ended[stage] for stage in SENT} == {stage: 1 if stage == "rows" else 2 for stage in SENT}
    assert ended["ownership"] == 1
    assert sorted(world.acknowledged) == [(EVENTS.name, 2), (EVENTS.name, 2)]


async def test_refused_and_forwarded_messages_are_published_as_they_were_with_their_origin() -> None:
    world = await loaded()
    await world.flush()
    assert sorted((letter.partition, letter.value, letter.headers["offset"]) for letter in world.dead) == [
        (number, b"{", b"1") for number in (0, 1)
    ]
    assert {letter.headers["reason"] for letter in world.dead} == {b"invalid"}
    assert sorted(
        (sent.partition, sent.key, sent.value, sent.headers["partition"], sent.headers["offset"])
        for sent in world.rekeyed
    ) == [
        (home, USERS[home].encode(), world.logs[TP(EVENTS.name, 1 - home)][2].value, str(1 - home).encode(), b"2")
        for home in (0, 1)
    ]
    await world.flush()
    assert (len(world.dead), len(world.rekeyed)) == (2, 2), "published once"


@pytest.mark.parametrize("again", [False, True], ids=["revoked", "revoked and assigned again"])
@pytest.mark.parametrize("stage", ["ends", "ownership", *SENT])
async def test_a_revocation_ends_the_flush_and_nothing_is_acknowledged(stage: str, *, again: bool) -> None:
    world = await loaded()

    async def revoke() -> None:
        world.on.clear()
        world.worker.revoke()
        if again:
            await world.assign()

    world.on[stage, "end"] = revoke
    await world.flush()
    assert not world.acknowledged
    assert [late for late in stages(world) if RANK[late] > RANK.get(stage, -1)] == []


@pytest.mark.parametrize("stage", SENT)
async def test_a_stage_that_fails_ends_the_flush_and_nothing_is_acknowledged(stage: str) -> None:
    world = await loaded()

    async def fail() -> None:
        raise Terminal("no more") if stage == "rows" else TopicAuthorizationFailedError()

    world.on[stage, "begin"] = fail
    with pytest.raises(Terminal):
        await world.flush()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not world.acknowledged
    assert [late for late in stages(world) if RANK[late] > RANK[stage]] == []


async def test_only_what_a_flush_contains_is_acknowledged_with_it() -> None:
    world = await World().start()
    world.send([event("a", 1), event("b", 2), event("c", 3)])
    await world.read(count=1)

    async def read_on() -> None:
        world.on.clear()
        await world.read(count=2)

    world.on["rows", "begin"] = read_on
    await world.flush()
    assert world.acknowledged == [(EVENTS.name, 0)]
    await world.flush()
    await world.flush()
    assert world.acknowledged == [(EVENTS.name, 0), (EVENTS.name, 2)]


async def test_a_worker_that_the_group_does_not_know_any_more_publishes_nothing_and_owns_nothing() -> None:
    world = await loaded()
    world.is_member = False
    await world.flush()
    assert [late for late in stages(world) if RANK[late] > RANK["ownership"]] == []
    assert world.worker.owned == frozenset()


async def test_the_proof_of_ownership_commits_only_what_has_been_delivered() -> None:
    world = await World().start()
    for number in range(3):
        world.send([event(f"e{number}", number), event(f"f{number}", number)])
        await world.read()
        await world.flush()
    assert [commit.get(TP(EVENTS.name, 0), 0) for commit in world.commits] == [0, 2, 4]
