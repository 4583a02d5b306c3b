"""The event contract, field by field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.apps import AppCatalog, AppSettings
from schemas.errors import InvalidEvent
from schemas.event import Event
from schemas.validator import EventValidator

BASE: dict[str, Any] = {
    "event_id": "e1",
    "app_id": "wx1",
    "user_id": "用 户",
    "event": "app_open",
    "ts": 1_709_136_000_000,
}
VALIDATOR = EventValidator(AppCatalog(), max_bytes=2_000)


def one(value: bytes | None, validator: EventValidator = VALIDATOR) -> Event | InvalidEvent:
    return validator.validate([value])[0]


def with_fields(**fields: Any) -> bytes:
    return json.dumps({**BASE, **fields}).encode()


def accepted(value: bytes) -> Event:
    event = one(value)
    assert not isinstance(event, InvalidEvent), event
    return event


def test_the_smallest_event() -> None:
    assert accepted(with_fields()) == BASE


@pytest.mark.parametrize(
    ("ts", "milliseconds"),
    [
        (1_709_136_000_000, 1_709_136_000_000),
        ("2024-02-29T00:00:00+08:00", 1_709_136_000_000),
        ("2024-02-28T16:00:00Z", 1_709_136_000_000),
        ("2024-02-28t16:00:00.001z", 1_709_136_000_001),
        ("2024-02-28 16:00:00.999999999999-00:00", 1_709_136_000_999),
        ("2024-02-28T20:30:00.5+04:30", 1_709_136_000_500),
    ],
)
def test_times(ts: int | str, milliseconds: int) -> None:
    assert accepted(with_fields(ts=ts))["ts"] == milliseconds


@pytest.mark.parametrize(
    "ts",
    [
        None,
        True,
        1.7e12,
        "1709136000000",
        1_709_136_000,
        10**40,
        -1,
        "2024-02-29T00:00:00",
        "2024-02-30T00:00:00Z",
        "2024-02-29T24:00:00Z",
        "2024-02-29T12:00:00+08:60",
        "2024-02-29T12:00:00+24:00",
        "2024-02-29T23:59:60Z",
        "2024-02-29",
        "1999-12-31T23:59:59Z",
        "２024-02-29T00:00:00Z",
        "yesterday",
    ],
)
def test_times_that_are_refused(ts: object) -> None:
    error = one(with_fields(ts=ts))
    assert isinstance(error, InvalidEvent)
    assert str(error).startswith("ts: ")


@pytest.mark.parametrize("field", ["event_id", "app_id", "user_id", "event", "ts"])
def test_a_missing_field_is_named(field: str) -> None:
    error = one(json.dumps({name: value for name, value in BASE.items() if name != field}).encode())
    assert str(error) == f"{field}: Field required"


@pytest.mark.parametrize(
    "fields",
    [
        {"event_id": ""},
        {"event_id": "x" * 65},
        {"event_id": 7},
        {"app_id": ""},
        {"user_id": ""},
        {"user_id": "x" * 129},
        {"event": "App_open"},
        {"event": "app open"},
        {"event": "a" * 65},
        {"event": "a\n"},
        {"scene": 1.5},
        {"scene": True},
        {"scene": 2**63},
        {"platform": 1},
        {"platform": "x" * 257},
        {"duration_ms": "100"},
        {"duration_ms": -1},
        {"amount": 2**63},
        {"amount": 1.5},
        {"for_day": "2024-02-30"},
        {"for_day": "2024-2-3"},
        {"for_day": 20240203},
        {"props": {"a": {"b": 1}}},
        {"props": {"a": [1]}},
        {"props": []},
    ],
)
def test_fields_that_are_refused(fields: dict[str, Any]) -> None:
    error = one(with_fields(**fields))
    assert isinstance(error, InvalidEvent)
    assert str(error).startswith(next(iter(fields)))


def test_optional_fields() -> None:
    event = accepted(
        with_fields(
            scene=1001,
            platform="ios",
            channel="群聊",
            city=None,
            duration_ms=0,
            amount=-5,
            for_day="2024-02-29",
            props={"a": 1, "b": None, "c": "x"},
            unknown={"deep": [1, {"x": 2}]},
        )
    )
    assert event["scene"] == 1001
    assert event["for_day"] == 19_782
    assert "unknown" not in event


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b" ",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        with_fields() + b",",
        with_fields() + with_fields(),
        b"[" + with_fields() + b"]",
        with_fields()[:-1] + b',"x":NaN}',
        with_fields()[:-1] + b',"x":[-Infinity]}',
        with_fields()[:-1] + b',"city":"\\ud800"}',
        with_fields()[:-1] + b',"x":' + b"[" * 900 + b"]" * 900 + b"}",
        with_fields(page="x" * 2_000),
    ],
)
def test_malformed_messages_are_refused(value: bytes | None) -> None:
    assert isinstance(one(value), InvalidEvent)


def test_a_text_that_says_nan_is_fine() -> None:
    assert accepted(with_fields(city="NaN Infinity"))["city"] == "NaN Infinity"


def test_a_bad_message_never_stops_its_batch_or_bleeds_into_it() -> None:
    good = with_fields()
    results = VALIDATOR.validate([good, b'{"a":[{}', b"{}]}", good + b"," + good, good])
    assert [isinstance(result, InvalidEvent) for result in results] == [False, True, True, True, False]


def test_the_reason_never_repeats_the_value() -> None:
    assert "secret" not in str(one(with_fields(ts="secret-token")))


def test_a_strict_app_refuses_unknown_fields() -> None:
    strict = EventValidator(AppCatalog(listed={"wx1": AppSettings(strict=True), "wx2": AppSettings()}), 2_000)
    assert str(one(with_fields(extra=1), strict)) == "unknown field 'extra', and app 'wx1' is strict"
    assert one(with_fields(), strict) == BASE
    assert not isinstance(one(with_fields(app_id="wx2", extra=1), strict), InvalidEvent)


@given(st.binary(max_size=200))
def test_no_bytes_break_validation(value: bytes) -> None:
    assert isinstance(one(value), InvalidEvent)
