"""The oracle reads the contract by itself; here its reading and the pipeline's are held against each other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.apps import AppCatalog, AppSettings
from schemas.errors import InvalidEvent
from schemas.validator import EventValidator
from tests.oracle.contract import ATTRIBUTES, MAX_EVENT_BYTES, Refused, read_event
from tests.oracle.hostile import malformed, odd, to_json

CATALOG = AppCatalog(listed={"a": AppSettings(make_up_days=30), "strict": AppSettings(strict=True)})
VALIDATOR = EventValidator(CATALOG, MAX_EVENT_BYTES)
GOOD: dict[str, Any] = {"event_id": "e", "app_id": "a", "user_id": "u", "event": "app_open", "ts": 1_709_179_200_000}
#: Refused for what only the app's settings say, which the pipeline holds against them elsewhere.
BY_SETTINGS = {"for_day far back", "for_day to come"}

clock = st.from_regex(
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?", fullmatch=True
)
zone = st.sampled_from(("Z", "z", "+00:00", "+08:00", "-23:59", "+24:00", "+08:60", "+0800", ""))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(900_000_000_000, 5_000_000_000_000),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(("2024-02-29", "2024-02-29T23:59:59.9Z", "2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "app_x")),
    st.datetimes(timezones=st.timezones()).map(lambda when: when.isoformat()),
    st.tuples(clock, zone).map("".join),
)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=2), scalars, max_size=2)
fields = st.sampled_from(
    ("event_id", "user_id", "event", "ts", *ATTRIBUTES, "page", "duration_ms", "amount", "for_day", "props", "unknown")
)


def agree(value: bytes | None) -> bool:
    """Hold the two readings of ``value`` together; whether they accept it."""
    (theirs,) = VALIDATOR.validate([value])
    try:
        ours, _ = read_event(value, CATALOG)
    except Refused as refused:
        assert isinstance(theirs, InvalidEvent), f"accepted, though {refused}: {value!r}"
        return False
    assert not isinstance(theirs, InvalidEvent), f"refused, as {theirs}: {value!r}"
    assert (theirs["app_id"], theirs["user_id"], theirs["event_id"]) == (ours.app_id, ours.user_id, ours.event_id)
    assert (theirs["event"], theirs["ts"]) == (ours.event, ours.ts_ms)
    read: dict[str, Any] = dict(theirs)
    assert tuple("" if read.get(name) is None else str(read[name]) for name in ATTRIBUTES) == ours.attributes
    return True


@pytest.mark.parametrize("name", sorted(malformed(GOOD).keys() - BY_SETTINGS))
def test_on_the_malformed(name: str) -> None:
    assert not agree(malformed(GOOD)[name])


@pytest.mark.parametrize("name", odd(GOOD))
def test_on_the_odd(name: str) -> None:
    assert agree(odd(GOOD)[name])


@given(st.dictionaries(fields, values, max_size=3), st.sampled_from(("a", "strict")))
def test_on_any_fields(other: dict[str, Any], app_id: str) -> None:
    agree(json.dumps({**GOOD, "app_id": app_id, **other}).encode())


@given(st.integers(0, 200), st.binary(max_size=3))
def test_on_damaged_bytes(position: int, damage: bytes) -> None:
    whole = to_json({**GOOD, "city": "北京", "ts": "2024-02-29T12:00:00.5+08:00", "props": {"a": [1][0]}})
    agree(whole[:position] + damage + whole[position + len(damage) :])
