"""Records read in columns say what they say one by one, and the rebuilt totals are those of the users one by one."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.apps import AppSettings
from streams.codec import encode_key, encode_user
from streams.core.app_fold import AppFold
from streams.core.state import NO_ATTRIBUTES, UserState
from streams.positions import PROGRESS_KEY
from streams.rebuild import add_resting
from streams.user_columns import read_columns
from tests.unit.streams.test_codec import states

ALL = 0


@settings(deadline=None)
@given(st.lists(states(), min_size=1, max_size=8))
def test_columns_hold_what_the_records_hold(users: list[UserState]) -> None:
    columns = read_columns([encode_user(user) for user in users], ALL)
    active = [user for user in users if user.days]
    assert columns.activity.last.tolist() == [user.last_day for user in active]
    assert columns.activity.length.tolist() == [user.days.bit_length() for user in active]
    assert [columns.activity.bits(row) for row in range(len(active))] == [user.days for user in active]
    filling = [user for user in users if user.check_ins]
    assert columns.check_ins.last.tolist() == [user.last_check_in for user in filling]
    assert [columns.check_ins.bits(row) for row in range(len(filling))] == [user.check_ins for user in filling]
    assert [columns.attributes[code] for code in columns.codes] == [user.attributes for user in active]
    assert columns.next_offset == max(user.offset for user in users) + 1
    assert columns.next_rekeyed_offset == max(user.rekeyed_offset for user in users) + 1
    for counter in ("accepted", "repeated", "rekeyed_accepted", "rekeyed_repeated"):
        assert getattr(columns, counter) == sum(getattr(user, counter) for user in users)


def numbers(app: AppFold) -> dict[tuple[str, str, str, int], int]:
    return {
        (family, segment, value, key): number
        for family, segment, value, _, totals in app.totals.groups()
        for key, number in totals.items()
        if number
    }


@settings(deadline=None, max_examples=25)
@given(st.lists(states(), min_size=1, max_size=6), st.integers(10_000, 40_000))
def test_resting_users_are_rebuilt_like_users_in_memory(users: list[UserState], since: int) -> None:
    since = max(since, max(user.last_day for user in users) - 5)
    one_by_one, at_once = AppFold("app", AppSettings()), AppFold("app", AppSettings())
    for user in users[1:]:
        one_by_one.add_totals(user, since)
    records = {encode_key("app", str(number)): encode_user(user) for number, user in enumerate(users)}
    records[PROGRESS_KEY] = b"not a user"
    records[encode_key("unlisted", "0")] = encode_user(users[0])
    in_memory = {encode_key("app", "0")}
    for _ in add_resting({"app": at_once}.get, records, since, in_memory):
        pass
    assert numbers(at_once) == numbers(one_by_one)


def peak_bytes(records: dict[bytes, bytes], since: int) -> int:
    app = AppFold("app", AppSettings())
    tracemalloc.start()
    try:
        for _ in add_resting({"app": app}.get, records, since):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("last_day", [20_600, 20_000], ids=["still active", "long gone"])
@pytest.mark.parametrize("kind", ["days", "check_ins"])
def test_a_user_of_many_years_does_not_widen_the_room_of_all(kind: str, last_day: int) -> None:
    def record(bits: int, last: int) -> bytes:
        user = UserState()
        user.attributes = NO_ATTRIBUTES
        user.last_day, user.days, user.last_check_in, user.check_ins = last, 0b1, last, 0b1
        setattr(user, kind, bits)
        return encode_user(user)

    records = {encode_key("app", str(number)): record(2**30 - 1, 20_600) for number in range(8_000)}
    alone = peak_bytes(records, 20_594)
    records[encode_key("app", "old")] = record(1 << last_day - 10_957 | 1, last_day)
    together = peak_bytes(records, 20_594)
    assert together < alone + 40_000_000
