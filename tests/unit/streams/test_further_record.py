"""Of the records of one key the table keeps the one that is further, in whatever order the changelog gives them."""

from itertools import permutations, product

import pytest

from streams.codec import decode_user, encode_key, encode_user
from streams.core.progress import Progress, TopicProgress
from streams.core.state import UserState, merge
from streams.positions import FLUSH_KEY, PROGRESS_KEY, encode_progress
from tests.unit.core.support import event
from tests.unit.streams.producer import Sent
from tests.unit.streams.world import World, read_changelog

KEY = encode_key("app", "u")


async def written_by_three_flushes() -> dict[bytes, list[bytes]]:
    """By key, the three records that a worker wrote, oldest first."""
    world = await World().start()
    found: dict[bytes, list[bytes]] = {KEY: [], PROGRESS_KEY: [], FLUSH_KEY: []}
    for day in range(3):
        world.send([event(f"e{day}", day + 0.5)])
        await world.read()
        await world.flush()
    for sent in world.changelog:
        found[sent.key or b""].append(sent.value or b"")
    return found


async def kept(records: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    world = await World().start()
    read_changelog(world.table, [Sent(0, key, value, {}) for key, value in records])
    await world.assign()
    return dict(world.table.records[0])


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("key", [KEY, PROGRESS_KEY, FLUSH_KEY], ids=["user", "progress", "flush point"])
async def test_the_record_of_the_last_flush_is_kept(key: bytes, order: tuple[int, ...]) -> None:
    written = (await written_by_three_flushes())[key]
    assert len(set(written)) == 3
    assert await kept([(key, written[index]) for index in order]) == {key: written[-1]}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
@pytest.mark.parametrize(
    ("behind", "ahead"),
    [((5, 0), (0, 6)), ((0, 5), (6, 0)), ((9, 10), (11, 9)), ((9, 10), (10, 10)), ((10, 9), (10, 10))],
    ids=str,
)
async def test_of_progress_records_the_higher_position_is_kept(
    behind: tuple[int, int], ahead: tuple[int, int], order: tuple[int, int]
) -> None:
    records = [
        encode_progress(Progress(TopicProgress(next_offset=events), TopicProgress(next_offset=rekeyed)))
        for events, rekeyed in (behind, ahead)
    ]
    assert await kept([(PROGRESS_KEY, records[index]) for index in order]) == {PROGRESS_KEY: records[1]}


def state(offset: int, rekeyed_offset: int) -> UserState:
    """A user who was active on a day of his own for every message folded, and on none for others."""
    user = UserState()
    user.offset, user.rekeyed_offset = offset, rekeyed_offset
    user.accepted, user.rekeyed_accepted = offset + 1, rekeyed_offset + 1
    user.last_day = user.last_check_in = 20_000
    user.days = (1 << offset + 1) - 1 | (1 << rekeyed_offset + 1) - 1 << 20 | 1
    user.check_ins = (1 << rekeyed_offset + 1) - 1 << 20 | 1
    user.first_ts = 1_000 - max(offset, rekeyed_offset)
    return user


OFFSETS = list(product((-1, 2, 5), repeat=2))


@pytest.mark.parametrize("one", OFFSETS, ids=str)
async def test_of_two_states_the_further_is_kept_or_both_are_merged(one: tuple[int, int]) -> None:
    for other in OFFSETS:
        known, value = encode_user(state(*one)), encode_user(state(*other))
        record = (await kept([(KEY, known), (KEY, value)]))[KEY]
        if one[0] >= other[0] and one[1] >= other[1]:
            assert record == known
        elif one[0] <= other[0] and one[1] <= other[1]:
            assert record == value
        else:
            assert decode_user(record) == merge(state(*one), state(*other)), (one, other)


@pytest.mark.parametrize("order", list(permutations([(5, 0), (2, 2), (0, 5), (1, 1)])), ids=str)
async def test_what_each_of_several_records_knows_is_kept_in_any_order(order: tuple[tuple[int, int], ...]) -> None:
    record = (await kept([(KEY, encode_user(state(*offsets))) for offsets in order]))[KEY]
    user = decode_user(record)
    assert (user.offset, user.rekeyed_offset, user.accepted, user.rekeyed_accepted) == (5, 5, 6, 6)
    assert user.days == state(5, 5).days
    assert user.check_ins == state(5, 5).check_ins


async def test_a_record_of_another_user_or_partition_changes_nothing() -> None:
    world = await World(2).start()
    far, near = encode_user(state(5, 5)), encode_user(state(1, 1))
    read_changelog(
        world.table, [Sent(0, KEY, near, {}), Sent(1, KEY, far, {}), Sent(0, encode_key("app", "v"), far, {})]
    )
    assert world.table.records[0] == {KEY: near, encode_key("app", "v"): far}
    assert world.table.records[1] == {KEY: far}


async def test_a_deleted_record_is_gone_until_a_new_one_comes() -> None:
    world = await World().start()
    read_changelog(world.table, [Sent(0, KEY, encode_user(state(5, 5)), {}), Sent(0, KEY, None, {})])
    assert world.table.records[0] == {}
    again = encode_user(state(0, 0))
    read_changelog(world.table, [Sent(0, KEY, again, {})])
    assert world.table.records[0] == {KEY: again}
