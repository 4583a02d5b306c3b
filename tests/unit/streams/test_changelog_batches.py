"""The table takes in whole fetches of the changelog, and notices when some did not arrive."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP, EventT

from schemas.errors import Terminal
from streams import table as table_module
from streams.codec import encode_key, encode_user
from streams.consumer_thread import RecordBatch
from streams.core.state import UserState
from streams.lost_fetches import LostFetches
from streams.table import UsersTable
from tests.unit.core.support import Record


def table() -> UsersTable:
    made = object.__new__(UsersTable)
    made.records = defaultdict(dict)
    made._read_to = {}
    made.fetches = 0
    return made


def batch(first: int, count: int, *, begin: int | None = None, era: int = 1, origin: int = 0) -> RecordBatch:
    records = []
    for offset in range(first, first + count):
        user = UserState()
        user.offset = offset
        records.append(Record(offset, encode_user(user), key=encode_key("app", str(offset))))
    return RecordBatch(records, first if begin is None else begin, era, origin)


def test_batches_that_follow_each_other_are_taken_in() -> None:
    made = table()
    made.take_in(0, batch(0, 5))
    made.take_in(0, batch(7, 3, begin=5))  # 5 and 6 were compacted away
    assert len(made.records[0]) == 8


def test_a_batch_that_did_not_arrive_is_noticed() -> None:
    made = table()
    made.take_in(0, batch(0, 5))
    assert not made.take_in(0, batch(9, 1))
    assert len(made.records[0]) == 5


def test_the_first_batch_of_a_recovery_begins_where_it_was_sought() -> None:
    made = table()
    made.take_in(0, batch(0, 5))
    made.take_in(0, batch(0, 2, era=2))
    made.take_in(0, batch(2, 2, era=2))
    assert not made.take_in(0, batch(3, 2, era=3))


def test_batches_fetched_before_the_last_seek_are_ignored() -> None:
    made = table()
    made.take_in(0, batch(0, 2, era=2))
    made.take_in(0, batch(9, 1, era=1))
    assert len(made.records[0]) == 2


def test_a_damaged_record_neither_wins_nor_loses() -> None:
    made = table()
    made.take_in(0, batch(0, 1))
    user = UserState()
    user.offset = 7
    damaged = bytearray(encode_user(user))
    damaged[8] ^= 1
    with pytest.raises(Terminal, match="checksum"):
        made.apply(0, encode_key("app", "0"), bytes(damaged))


CHANGELOG0 = TP("changelog", 0)


class Recovery:
    """Faust's recovery and its consumer, as far as the table sees them."""

    def __init__(self, highwater: int) -> None:
        self.in_recovery = True
        self.active_offsets = Counter({CHANGELOG0: -1})
        self.highwater = highwater
        self.eras = 1
        self.sought = 0
        self.fetched = 0
        self.seeks: list[int] = []

    def active_remaining(self) -> Counter[TP]:
        return Counter({tp: self.highwater - 1 - offset for tp, offset in self.active_offsets.items()})

    async def seek_wait(self, positions: Mapping[TP, int]) -> None:
        self.eras += 1
        self.sought = positions[CHANGELOG0]
        self.seeks.append(self.sought)

    def era(self, _tp: TP) -> int:
        return self.eras

    def origin(self, _tp: TP) -> int:
        return self.sought

    def fetched_to(self, _tp: TP) -> int:
        return self.fetched


def recovering(highwater: int) -> tuple[UsersTable, Recovery]:
    made, recovery = table(), Recovery(highwater)
    made._lost_fetches = LostFetches(table_module._PATIENCE_LOOKS)
    made.app = cast("Any", SimpleNamespace(tables=SimpleNamespace(recovery=recovery), consumer=recovery))
    return made, recovery


def arrive(made: UsersTable, recovery: Recovery, fetch: RecordBatch) -> None:
    """Faust notes the fetch as read, and then shows it to the table."""
    recovery.active_offsets[CHANGELOG0] = fetch[-1].offset
    message = SimpleNamespace(tp=CHANGELOG0, partition=0, value=fetch)
    asyncio.run(made.on_changelog_event(cast("EventT[Any]", SimpleNamespace(message=message))))


def test_faust_is_told_how_far_the_changelog_was_taken_in_and_the_rest_is_read_again() -> None:
    made, recovery = recovering(highwater=20)
    arrive(made, recovery, batch(0, 5))
    assert recovery.active_offsets[CHANGELOG0] == 4
    arrive(made, recovery, batch(10, 10))
    assert (recovery.active_offsets[CHANGELOG0], recovery.seeks) == (4, [5])
    arrive(made, recovery, batch(10, 10))  # fetched before the seek
    assert recovery.active_offsets[CHANGELOG0] == 4
    arrive(made, recovery, batch(5, 15, era=2, origin=5))
    assert recovery.active_remaining()[CHANGELOG0] == 0
    assert len(made.records[0]) == 20


def test_an_only_fetch_that_did_not_arrive_is_read_again() -> None:
    made, recovery = recovering(highwater=5)
    asyncio.run(made.look_for_lost_fetches())
    recovery.fetched = 5
    for _ in range(2):
        asyncio.run(made.look_for_lost_fetches())
    assert recovery.seeks == []
    asyncio.run(made.look_for_lost_fetches())
    assert recovery.seeks == [0]
    arrive(made, recovery, batch(0, 5, era=2))
    assert recovery.active_remaining()[CHANGELOG0] == 0


def test_a_recovery_that_advances_or_is_over_is_left_alone() -> None:
    made, recovery = recovering(highwater=50)
    for fetched in range(5, 45, 5):
        recovery.fetched = fetched
        asyncio.run(made.look_for_lost_fetches())
        arrive(made, recovery, batch(fetched - 5, 5))
    recovery.in_recovery = False
    recovery.fetched = 50
    for _ in range(9):
        asyncio.run(made.look_for_lost_fetches())
    assert recovery.seeks == []
