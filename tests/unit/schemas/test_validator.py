"""Whatever msgspec reads, pydantic alone accepts and reads the same."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import validator
from schemas.apps import AppCatalog, AppSettings
from schemas.errors import InvalidEvent
from schemas.event import Event
from schemas.validator import EventValidator
from tests.fuzz.mutate import Mutator

GOOD: dict[str, Any] = {"event_id": "e", "app_id": "a", "user_id": "u", "event": "app_open", "ts": 1_709_179_200_000}
CATALOG = AppCatalog(listed={"strict": AppSettings(strict=True)}, default=AppSettings())
FULL: dict[str, Any] = {
    **GOOD,
    **{"scene": 1001, "platform": "ios", "app_version": "1.0", "page": "页", "city": "北京", "district": "朝阳"},
    **{"channel": "qr", "campaign": "c", "variant": "A", "inviter_id": "v", "duration_ms": 1, "amount": -1},
    "props": {"a": "b", "c": 1, "d": None, "e": 1.5, "f": True},
}


def to_json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


class Counting(EventValidator):
    """Counts what is left to pydantic."""

    judged = 0

    def _judged(self, value: bytes | None) -> Event | InvalidEvent:
        self.judged += 1
        return super()._judged(value)


def warm(catalog: AppCatalog = CATALOG) -> Counting:
    """A validator that has seen the name of ``GOOD`` and of the messages of ``Mutator``."""
    made = Counting(catalog, 262_144)
    made.validate([to_json({**GOOD, "event": name}) for name in ("app_open", "check_in", "message_sent")])
    made.judged = 0
    return made


def content(result: Event | InvalidEvent) -> object:
    return str(result) if isinstance(result, InvalidEvent) else {key: (type(v), v) for key, v in dict(result).items()}


def agree(value: bytes, made: Counting) -> bool:
    """Hold the reading of ``value`` against pydantic's alone; whether it was read without pydantic."""
    before = made.judged
    (result,) = made.validate([value])
    plain = made.judged == before
    assert content(result) == content(EventValidator._judged(made, value)), value
    return plain


@pytest.mark.parametrize(
    "fields",
    [
        GOOD,
        FULL,
        {**FULL, "page": "x" * 2_000},
        {**GOOD, "props": None, "unknown": [1]},
        {**GOOD, "ts": "2024-02-29t12:00:00.0009+08:00"},
    ],
)
def test_plain_messages_are_read_without_pydantic(fields: dict[str, Any]) -> None:
    assert agree(to_json(fields), warm())
    assert agree(json.dumps(fields).encode(), warm())  # with escapes


@pytest.mark.parametrize(
    "fields",
    [
        {**GOOD, "event": "never_seen"},
        {**GOOD, "ts": "2024-02-30T12:00:00Z"},
        {**GOOD, "ts": "1999-12-31T23:59:59.999Z"},
        {**GOOD, "for_day": "2024-02-29"},
        {**GOOD, "for_day": 19_782},
        {**GOOD, "props": {"a": {"b": 1}}},
        {**GOOD, "props": {"a": []}},
        {**GOOD, "app_id": "strict"},
        {**GOOD, "app_id": "strict", "unknown": 1},
        {**GOOD, "unknown": 10**3_900, "page": "x" * 200},
    ],
)
def test_what_has_rules_of_its_own_is_left_to_pydantic(fields: dict[str, Any]) -> None:
    assert not agree(to_json(fields), warm())


@pytest.mark.parametrize(
    "other",
    [
        b'"x":"\xff"',  # not UTF-8, in a field that is not read
        b'"x":"\xed\xa0\x80"',
        b'"\xff":1',
        b'"x":"\\ud800"',
        b'"x":"\\ude00\\ud83d"',
        b'"x":"\\u0000"',
        b'"x":"\x00"',
        b'"x":"\x1f"',
        b'"x":"\\x41"',
        b'"x":' + b"[" * 199 + b"]" * 199,
        b'"x":' + b"[" * 200 + b"]" * 200,
        b'"x":' + b"[" * 201 + b"]" * 201,
        b'"x":' + b'{"a":' * 250 + b"1" + b"}" * 250,
        b'"x":' + b"9" * 4_299,
        b'"x":' + b"9" * 4_301,
        b'"x":-' + b"9" * 4_301,
        b'"x":1e999',
        b'"x":-1E-999',
        b'"x":NaN',
        b'"x":[Infinity]',
        b'"x":01',
        b'"x":-0',
        b'"ts":1.0',
        b'"ts":1709179200000.0',
        b'"ts":1.7e12',
        b'"ts":true',
        b'"ts":null',
        b'"ts":946684799999',
        b'"ts":946684800000',
        b'"ts":9223372036854775807',
        b'"ts":9223372036854775808',
        b'"ts":-1',
        b'"scene":1.0',
        b'"scene":true',
        b'"scene":9223372036854775808',
        b'"scene":-9223372036854775808',
        b'"scene":-9223372036854775809',
        b'"scene":' + b"9" * 30,
        b'"amount":-0',
        b'"amount":1e2',
        b'"duration_ms":-1',
        b'"duration_ms":-0',
        b'"duration_ms":"1"',
        b'"city":1',
        b'"event":"App"',
        b'"event":""',
        b'"event_id":""',
        b'"event_id":"' + b"x" * 65 + b'"',
        b'"user_id":"' + "😀".encode() * 128 + b'"',
        b'"user_id":"' + "😀".encode() * 129 + b'"',
        b'"city":"' + "值".encode() * 256 + b'"',
        b'"city":"' + "值".encode() * 257 + b'"',
        b'"city":"' + b"\\ud83d\\ude00" * 256 + b'"',
        b'"props":{"a":1,"a":[]}',
        b'"props":{"a":[],"a":1}',
        b'"props":{"a":9223372036854775808}',
        b'"props":{"a":' + b"9" * 400 + b"}",
        b'"props":{"a":1e999}',
        b'"props":[]',
        b'"props":""',
    ],
)
def test_what_the_two_libraries_may_read_in_two_ways(other: bytes) -> None:
    made, good = warm(), to_json(GOOD)
    agree(good[:-1] + b"," + other + b"}", made)
    agree(b"{" + other + b"," + good[1:], made)
    field = other.partition(b":")[0].strip(b'"').decode(errors="replace")
    without = to_json({name: value for name, value in GOOD.items() if name != field})
    agree(without[:-1] + b"," + other + b"}", made)


def test_on_mutated_messages() -> None:
    made = warm()
    read = [agree(value, made) for value in itertools.islice(Mutator(20_240_229), 60_000)]
    assert sum(read) > 5_000


@given(st.binary(max_size=3), st.integers(0, 600))
def test_on_damaged_bytes(damage: bytes, position: int) -> None:
    whole = to_json(FULL)
    agree(whole[:position] + damage + whole[position + len(damage) :], warm())


@given(
    st.dictionaries(
        st.sampled_from(sorted(FULL.keys() - GOOD.keys())),
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300),
        max_size=4,
    )
)
def test_on_any_optional_fields(fields: dict[str, Any]) -> None:
    agree(to_json({**GOOD, **fields}), warm())


def test_the_names_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "_NAMES", 3)
    made = warm()
    values = [to_json({**GOOD, "event": name}) for name in ("a", "b", "c", "d", "app_open")]
    assert [result for result in made.validate(values) if isinstance(result, InvalidEvent)] == []
    assert len(made._names) <= 3
