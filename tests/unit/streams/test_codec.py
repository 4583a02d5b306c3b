from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Terminal
from streams.codec import (
    PROGRESS_KEY,
    decode_key,
    decode_progress,
    decode_user,
    encode_key,
    encode_progress,
    encode_user,
    is_user,
    offsets_of,
)
from streams.core.progress import Progress, TopicProgress
from streams.core.state import UserState

#: Any text but lone surrogates, which validation refuses.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def states(draw: st.DrawFn) -> UserState:
    user = UserState()
    user.offset = draw(st.integers(-1, 2**60))
    user.rekeyed_offset = draw(st.integers(-1, 2**60))
    user.days = draw(st.integers(0, 2**800))
    user.last_day = draw(st.integers(10_000, 40_000)) if user.days else -1
    user.check_ins = draw(st.integers(0, 2**400))
    user.last_check_in = draw(st.integers(10_000, 40_000)) if user.check_ins else -1
    if user.days:
        user.first_ts = draw(st.integers(0, 2**50))
        user.first_tie = draw(st.binary(min_size=8, max_size=8))
        user.attributes = draw(st.tuples(*[text] * 9))
    user.event_ids = draw(
        st.dictionaries(
            st.integers(10_000, 40_000), st.integers(1, 5).map(lambda count: bytes(range(8)) * count), max_size=4
        )
    )
    for counter in ("accepted", "repeated", "rekeyed_accepted", "rekeyed_repeated"):
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
