"""The table takes in whole fetches of the changelog, and notices when some did not arrive."""

from collections import defaultdict

import pytest

from schemas.errors import Terminal
from streams.codec import encode_key, encode_user
from streams.core.state import UserState
from streams.table import UsersTable
from streams.transport import RecordBatch
from tests.unit.core.support import Record


def table() -> UsersTable:
    made = object.__new__(UsersTable)
    made.records = defaultdict(dict)
    made._read_to = {}
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
    with pytest.raises(Terminal, match="records 5 to 9 of changelog partition 0 did not arrive"):
        made.take_in(0, batch(9, 1))


def test_the_first_batch_of_a_recovery_begins_where_it_was_sought() -> None:
    made = table()
    made.take_in(0, batch(0, 5))
    made.take_in(0, batch(0, 2, era=2))
    made.take_in(0, batch(2, 2, era=2))
    with pytest.raises(Terminal, match="did not arrive"):
        made.take_in(0, batch(3, 2, era=3))


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
