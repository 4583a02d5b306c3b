"""The event contract in plain Python: the bytes of one message in, an event or the reason for refusing it out."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NoReturn

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.days import day_number, local_day

__all__ = ["ATTRIBUTES", "MAX_EVENT_BYTES", "MAX_TS", "MIN_TS", "Event", "Refused", "instant_ms", "read_event"]

MAX_EVENT_BYTES: Final = 262_144
#: Event times lie in the years 2000 to 2099; later ones are first of all ``future``.
MIN_TS: Final = 946_684_800_000
MAX_TS: Final = 4_102_444_800_000

#: What a user keeps from the earliest qualifying event.
ATTRIBUTES: Final = (
    "scene",
    "platform",
    "app_version",
    "channel",
    "campaign",
    "variant",
    "city",
    "district",
    "inviter_id",
)
_REQUIRED: Final = {"event_id": 64, "app_id": 64, "user_id": 128, "event": 64}
_LONGEST_ATTRIBUTE: Final = 256
_OPTIONAL_TEXT: Final = (*ATTRIBUTES[1:], "page")
_OPTIONAL_INT: Final = ("duration_ms", "amount")
_KNOWN: Final = {*_REQUIRED, "ts", "scene", *_OPTIONAL_TEXT, *_OPTIONAL_INT, "for_day", "props"}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_RFC_3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_INT64: Final = 2**63
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DEEPEST: Final = 200
_LAST_HOUR: Final = 23
_LAST_MINUTE: Final = 59


class Refused(ValueError):
    """The message is dead-lettered as ``invalid``; says what the contract misses."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event that the contract allows.

    ``day`` is the local day of ``ts_ms``; ``check_in_day`` the day that a check-in fills, ``None`` for other events;
    ``attributes`` follow ``ATTRIBUTES``, absent ones as ``""``.
    """

    app_id: str
    user_id: str
    event_id: str
    event: str
    ts_ms: int
    day: int
    check_in_day: int | None
    attributes: tuple[str, ...]


def read_event(value: bytes | None, catalog: AppCatalog, max_bytes: int = MAX_EVENT_BYTES) -> tuple[Event, AppSettings]:
    """Hold one message's value against the contract.

    Raises:
        Refused: the message is ``invalid``.
    """
    fields = _read_object(value, max_bytes)
    for name, longest in _REQUIRED.items():
        text = fields.get(name)
        if not isinstance(text, str) or not 1 <= len(text) <= longest:
            _refuse(f"{name} must be a string of 1 to {longest} characters")
    if not _NAME.fullmatch(fields["event"]):
        _refuse("event must match [a-z][a-z0-9_]{0,63}")
    app = catalog.listed.get(fields["app_id"]) if catalog.listed else catalog.default
    if app is None:
        _refuse("app_id is not listed")
    if app.strict and not fields.keys() <= _KNOWN:
        _refuse("unknown field in a strict app")
    _check_optional(fields)
    ts_ms = _time(fields.get("ts"))
    for_day = None if fields.get("for_day") is None else _date(fields["for_day"])
    day = _day(ts_ms, app)
    check_in_day = None
    if fields["event"] == "check_in":
        check_in_day = day if for_day is None else for_day
        if not 0 <= day - check_in_day <= app.make_up_days:
            _refuse("for_day is outside the make-up limit")
    scene = fields.get("scene")
    return Event(
        app_id=fields["app_id"],
        user_id=fields["user_id"],
        event_id=fields["event_id"],
        event=fields["event"],
        ts_ms=ts_ms,
        day=day,
        check_in_day=check_in_day,
        attributes=("" if scene is None else str(scene), *(fields.get(name) or "" for name in ATTRIBUTES[1:])),
    ), app


def instant_ms(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 time with an offset; finer fractions are cut off.

    Raises:
        Refused: the text is no such time.
    """
    match = _RFC_3339.fullmatch(text)
    if not match:
        _refuse("ts is not an RFC 3339 time with an offset")
    year, month, day, hour, minute, second, fraction, sign, ahead_hours, ahead_minutes = match.groups()
    try:
        wall = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError as error:
        raise Refused(f"ts: {error}") from error
    ms = (wall - _EPOCH) // timedelta(milliseconds=1) + int(f"{fraction or ''}000"[:3])
    if not sign:
        return ms
    if int(ahead_hours) > _LAST_HOUR or int(ahead_minutes) > _LAST_MINUTE:
        _refuse("ts has an offset that does not exist")
    ahead_ms = (int(ahead_hours) * 60 + int(ahead_minutes)) * 60_000
    return ms - ahead_ms if sign == "+" else ms + ahead_ms


def _float(literal: str) -> float:
    int(re.split("[.eE]", literal)[0])  # as many digits as a whole number may have
    return float(literal)


def _read_object(value: bytes | None, max_bytes: int) -> dict[str, Any]:
    if not value:
        _refuse("the value is empty")
    if len(value) > max_bytes:
        _refuse(f"the value is longer than {max_bytes} bytes")
    try:
        read = json.loads(value.decode("utf-8"), parse_constant=_no_constant, parse_float=_float)
        json.dumps(read, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON in UTF-8: {error}") from error
    if not isinstance(read, dict):
        _refuse("not a JSON object")
    if _depth(read) > _DEEPEST:
        _refuse(f"nested deeper than {_DEEPEST} levels")
    return read


def _depth(read: dict[str, Any]) -> int:
    """How many arrays and objects lie inside one another below the event itself."""
    depth = 0
    level: list[Any] = [read]
    while level:
        inside = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in inside if isinstance(inner, dict | list)]
        depth += bool(level)
    return depth


def _check_optional(fields: Mapping[str, Any]) -> None:
    for name in _OPTIONAL_TEXT:
        if fields.get(name) is not None and not isinstance(fields[name], str):
            _refuse(f"{name} must be a string")
    for name in _OPTIONAL_INT:
        if fields.get(name) is not None and not _is_int64(fields[name]):
            _refuse(f"{name} must be an integer")
    if (fields.get("duration_ms") or 0) < 0:
        _refuse("duration_ms must not be negative")
    scene = fields.get("scene")
    if scene is not None and not isinstance(scene, str) and not _is_int64(scene):
        _refuse("scene must be an integer or a string")
    for name in ATTRIBUTES:
        if isinstance(fields.get(name), str) and len(fields[name]) > _LONGEST_ATTRIBUTE:
            _refuse(f"{name} must have at most {_LONGEST_ATTRIBUTE} characters")
    props = fields.get("props")
    if props is None:
        return
    if not isinstance(props, dict) or any(isinstance(inner, dict | list) for inner in props.values()):
        _refuse("props must be a flat object")


def _is_int64(value: Any) -> bool:
    """An integer of 64 bits; JSON's ``true`` and ``1.0`` are none."""
    return type(value) is int and -_INT64 <= value < _INT64


def _time(ts: Any) -> int:
    if isinstance(ts, str):
        ms = instant_ms(ts)
    elif _is_int64(ts):
        ms = int(ts)
    else:
        _refuse("ts must be an integer or an RFC 3339 string")
    if ms < MIN_TS:
        _refuse("ts lies before the year 2000")
    return ms


def _date(text: Any) -> int:
    match = _DAY.fullmatch(text) if isinstance(text, str) else None
    if not match:
        _refuse("for_day must be YYYY-MM-DD")
    try:
        return day_number(date(*(int(part) for part in match.groups())))
    except ValueError as error:
        raise Refused(f"for_day: {error}") from error


def _day(ts_ms: int, app: AppSettings) -> int:
    """The local day; past the year 9999, where no calendar reaches, a day later than any date."""
    try:
        return local_day(ts_ms, app)
    except OverflowError:
        return _INT64


def _no_constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is not JSON")


def _refuse(why: str) -> NoReturn:
    raise Refused(why)
