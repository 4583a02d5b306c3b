from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Terminal
from streams.codec import decode_key, decode_user, encode_key, encode_user, is_user, offsets_of, upgraded
from streams.core.progress import Progress, TopicProgress
from streams.core.state import UserState
from streams.positions import (
    PROGRESS_KEY,
    FlushPoint,
    decode_flush_point,
    decode_progress,
    encode_flush_point,
    encode_progress,
)

EMPTY_V1 = bytes.fromhex(
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000"
    "00000000000000000000000000000000006ebd4079"
)
FULL_V1 = bytes.fromhex(
    "01141a99be1c0000004d00000000000000204e00001f4e00007b68e5cf8b010000000102030405060700286bee030000"
    "000200000001000000330001004b0102000b000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000001050400313030310300696f730600e58c97e4baac2c01787878787878"
    "787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "787878787878010069204e000010000000000102030405060708090a0b0c0d0e0f1f4e00000800000031323334353637"
    "38a473def2"
)

#: Any text but lone surrogates, which validation refuses.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def states(draw: st.DrawFn) -> UserState:
    user = UserState()
    user.offset = draw(st.integers(-1, 2**47))
    user.rekeyed_offset = draw(st.just(-1) | st.integers(0, 2**47))
    user.days = draw(st.just(0) | st.integers(0, 2**800).map(lambda bits: bits | 1))
    user.last_day = draw(st.integers(10_000, 40_000)) if user.days else -1
    user.check_ins = draw(st.just(0) | st.integers(0, 2**400).map(lambda bits: bits | 1))
    user.last_check_in = draw(st.integers(10_000, 40_000)) if user.check_ins else -1
    if user.days:
        user.first_ts = draw(st.integers(0, 2**47))
        user.first_tie = draw(st.binary(min_size=8, max_size=8))
        user.attributes = draw(st.tuples(*[text] * 9))
    user.event_ids = draw(
        st.dictionaries(
            st.integers(10_000, 40_000), st.integers(1, 5).map(lambda count: bytes(range(8)) * count), max_size=4
        )
    )
    for counter in ("accepted", "repeated", "rekeyed_accepted", "rekeyed_repeated"):
        if user.rekeyed_offset >= 0 or not counter.startswith("rekeyed"):
            setattr(user, counter, draw(st.integers(0, 2**32 - 1)))
    return user


@given(states())
def test_a_state_survives_the_round_trip(user: UserState) -> None:
    record = encode_user(user)
    assert decode_user(record) == user
    assert offsets_of(record) == (user.offset, user.rekeyed_offset)


@given(states(), st.data())
def test_a_damaged_record_is_never_half_read(user: UserState, data: st.DataObject) -> None:
    record = bytearray(encode_user(user))
    at = data.draw(st.integers(0, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Terminal, match="checksum|version"):
        decode_user(bytes(record))
    with pytest.raises(Terminal):
        decode_user(bytes(record[:at]))


def test_records_of_version_1_are_read_and_written_anew_as_the_current_version() -> None:
    """The bytes were written by the code that wrote version 1."""
    assert decode_user(EMPTY_V1) == UserState()
    user = decode_user(FULL_V1)
    assert (user.offset, user.rekeyed_offset, user.last_day, user.days) == (123456789012, 77, 20_000, 1 << 400 | 0b1011)
    assert (user.last_check_in, user.check_ins) == (19_999, 0b101)
    assert (user.first_ts, user.first_tie) == (1_700_000_000_123, bytes(range(8)))
    assert user.attributes == ("1001", "ios", "", "北京", "", "", "x" * 300, "", "i")
    assert user.event_ids == {20_000: bytes(range(16)), 19_999: b"12345678"}
    assert (user.accepted, user.repeated, user.rekeyed_accepted, user.rekeyed_repeated) == (4_000_000_000, 3, 2, 1)
    assert upgraded(FULL_V1) == encode_user(user) != FULL_V1
    assert upgraded(encode_user(user)) == encode_user(user)
    with pytest.raises(Terminal, match="checksum"):
        upgraded(FULL_V1[:-1])


def test_the_flush_record_of_version_1_is_a_progress_record() -> None:
    progress = Progress(TopicProgress(10, 19_779, 10, 1, 2, 3, 4), TopicProgress(5, 19_778, 5, 0, 0, 1, 0))
    assert decode_flush_point(encode_progress(progress)) == FlushPoint(0, 10, 5)
    point = FlushPoint(3, 20, 7)
    assert decode_flush_point(encode_flush_point(point)) == point


def test_a_record_of_a_newer_version_names_the_way_out() -> None:
    body = bytes([99]) + encode_user(UserState())[1:-4]
    with pytest.raises(Terminal, match=r"version 99.*upgrade"):
        decode_user(body + crc32(body).to_bytes(4, "little"))


@given(text, text)
def test_keys_are_unique_and_readable(app_id: str, user_id: str) -> None:
    key = encode_key(app_id, user_id)
    assert decode_key(key) == (app_id, user_id)
    assert is_user(key)
    assert not is_user(PROGRESS_KEY)


def test_progress_survives_the_round_trip_and_damage_is_noticed() -> None:
    progress = Progress(TopicProgress(10, 19_779, 10, 1, 2, 3, 4), TopicProgress(5, 19_778, 5, 0, 0, 1, 0))
    record = encode_progress(progress)
    assert decode_progress(record) == progress
    with pytest.raises(Terminal):
        decode_progress(record[:-1])
    progress.rekeyed_at_end = True
    assert decode_progress(encode_progress(progress)) == progress


def test_a_progress_record_from_before_it_said_whether_the_rekeyed_topic_was_at_its_end() -> None:
    """The bytes were written by the code that did not say it."""
    record = (
        b'\x01{"events":{"next_offset":10,"watermark":19779,"consumed":10,"late":1,"future":2,"invalid":3,"rekeyed":4},'
        b'"rekeyed":{"next_offset":5,"watermark":19778,"consumed":5,"late":0,"future":0,"invalid":1,"rekeyed":0}}'
        b"\x6c\x60\xbc\x47"
    )
    assert decode_progress(record) == Progress(
        TopicProgress(10, 19_779, 10, 1, 2, 3, 4), TopicProgress(5, 19_778, 5, 0, 0, 1, 0), rekeyed_at_end=False
    )
