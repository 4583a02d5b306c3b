"""One flipped bit in a record of the changelog ends the recovery: it never wins, loses or merges in silence."""

import logging
from collections.abc import Callable

import pytest
from faust.types import TP

from schemas.errors import Terminal
from streams.codec import encode_key
from streams.positions import FLUSH_KEY, PROGRESS_KEY
from streams.table import UsersTable
from tests.unit.core.support import event
from tests.unit.streams.producer import CHANGELOG, Sent
from tests.unit.streams.world import World, read_changelog

USER = encode_key("app", "u")
Order = Callable[[bytes, bytes, bytes], list[bytes]]
#: What the changelog holds of one key, given an older record, the newer one, and either of them damaged.
ORDERS: dict[str, Order] = {
    "alone": lambda _older, _newer, damaged: [damaged],
    "damaged after the older": lambda older, _newer, damaged: [older, damaged],
    "damaged before the older": lambda older, _newer, damaged: [damaged, older],
    "damaged before the newer": lambda _older, newer, damaged: [damaged, newer],
}


@pytest.fixture(autouse=True)
def _no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of tracebacks that nobody reads."""
    caplog.set_level(logging.CRITICAL + 1)


async def written(key: bytes) -> tuple[World, bytes, bytes]:
    """A world, and two records of ``key`` that its worker wrote."""
    world = await World().start()
    for number in range(2):
        world.send([event(f"e{number}", number + 0.5, channel="ads", name="check_in")])
        await world.read()
        await world.flush()
    older, newer = [sent.value or b"" for sent in world.changelog if sent.key == key]
    return world, older, newer


async def is_noticed(world: World, key: bytes, values: list[bytes]) -> bool:
    """Whether a recovery of these records ends with an error that stops the worker."""
    table = UsersTable(world.app, lambda numbers: world.worker.recover(table, numbers), name="again", partitions=1)
    read_changelog(table, [Sent(0, key, value, {}) for value in values])
    try:
        await table.on_recovery_completed({TP(CHANGELOG, 0)}, set())
    except Terminal:
        return True
    return False


def flipped(record: bytes, bit: int) -> bytes:
    damaged = bytearray(record)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("key", "step"), [(USER, 1), (PROGRESS_KEY, 9), (FLUSH_KEY, 9)], ids=["user", "progress", "flush point"]
)
async def test_a_flipped_bit_ends_the_recovery(key: bytes, step: int, order: str) -> None:
    """Any bit of a user's record; of the others, which are read whole in any case, one of every byte."""
    world, older, newer = await written(key)
    assert not await is_noticed(world, key, [older, newer])
    unnoticed = [
        bit
        for bit in range(0, 8 * len(newer), step)
        if not await is_noticed(world, key, ORDERS[order](older, newer, flipped(newer, bit)))
    ]
    assert unnoticed == []


@pytest.mark.parametrize("length", [0, 1, 8, 16, 17, 40])
@pytest.mark.parametrize("order", ORDERS)
async def test_a_record_that_was_cut_off_ends_the_recovery(order: str, length: int) -> None:
    world, older, newer = await written(USER)
    assert await is_noticed(world, USER, ORDERS[order](older, newer, newer[:length]))
