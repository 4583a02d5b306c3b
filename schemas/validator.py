"""Validation of messages against the event contract, a batch at a time.

pydantic decides. But most messages are plain, and msgspec reads those by the same definition in less than half of the
time. What it refuses, and whatever might mean something else to it, is left to pydantic: a message is never refused
for msgspec's reasons, and never accepted unless pydantic would accept it and read the same.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from msgspec import MsgspecError
from msgspec.json import Decoder
from pydantic import TypeAdapter, ValidationError

from schemas.apps import AppCatalog
from schemas.errors import InvalidEvent
from schemas.event import Event, milliseconds

__all__ = ["EventValidator"]

_KNOWN: Final = frozenset(Event.__annotations__)
_N, _I = b"NI"
#: A longer value may hold a number of more than 4 300 digits, which pydantic refuses.
_PLAIN_BYTES: Final = 4_000
#: A value may be nested deeper than 200 levels, which pydantic refuses too, unless it is short or has few brackets.
_SHALLOW_BYTES: Final = 400
_BRACKETS: Final = 200
#: Names of events, accepted by pydantic, that are remembered.
_NAMES: Final = 10_000


class EventValidator:
    """Validates the values of a batch of messages against the contract.

    Each value is parsed by itself: a value that is not well-formed cannot change how its neighbours are read.
    """

    def __init__(self, apps: AppCatalog, max_bytes: int) -> None:
        """Validate for ``apps``; a value longer than ``max_bytes`` is refused unread."""
        self._apps = apps
        self._max_bytes = max_bytes
        self._any_strict = apps.default.strict or any(app.strict for app in apps.listed.values())
        self._judge = TypeAdapter(Event).validator.validate_json
        self._read = Decoder(Event).decode
        #: msgspec would match the pattern of names with a Python regular expression, in half of its time.
        self._names: set[str] = set()

    def validate(self, values: Iterable[bytes | None]) -> list[Event | InvalidEvent]:
        """For each value its event, or the reason why it is none. Never raises for bad input."""
        read, names, most = self._read, self._names, min(self._max_bytes, _PLAIN_BYTES)
        any_strict = self._any_strict
        results: list[Event | InvalidEvent] = []
        for value in values:
            if (
                value
                and len(value) <= most
                and (value.isascii() or _is_utf8(value))
                and (len(value) < _SHALLOW_BYTES or value.count(b"{") + value.count(b"[") < _BRACKETS)
            ):
                try:
                    event: Event = read(value)
                    ts: int | str = event["ts"]
                    if type(ts) is str:
                        event["ts"] = milliseconds(ts)
                except (MsgspecError, ValueError, RecursionError):
                    pass
                else:
                    if (
                        event["event"] in names
                        and "for_day" not in event
                        and ("props" not in event or _is_flat(event["props"]))
                        and not (any_strict and self._is_strict(event))
                    ):
                        results.append(event)
                        continue
            results.append(self._judged(value))
        return results

    def _judged(self, value: bytes | None) -> Event | InvalidEvent:
        """What the contract says."""
        try:
            if not value:
                raise InvalidEvent("the value is empty")
            if len(value) > self._max_bytes:
                raise InvalidEvent(f"the value has {len(value)} bytes; at most {self._max_bytes} are read")
            event: Event = self._judge(value)
            strict = self._any_strict and self._is_strict(event)
            # pydantic lets these pass. A search for a byte takes a tenth of the time of one for a word.
            if strict or (_N in value and b"NaN" in value) or (_I in value and b"Infinity" in value):
                _look_closer(value, event["app_id"], strict=strict)
        except ValidationError as error:
            return InvalidEvent(_describe(error))
        except InvalidEvent as error:
            return error
        if len(self._names) >= _NAMES:
            self._names.clear()
        self._names.add(event["event"])
        return event

    def _is_strict(self, event: Event) -> bool:
        app = self._apps.get(event["app_id"])
        return app is not None and app.strict


def _is_utf8(value: bytes) -> bool:
    """Of text that it need not read, msgspec does not see whether it is; pydantic does."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_flat(props: dict[str, Any] | None) -> bool:
    if props:
        for value in props.values():
            if type(value) is dict or type(value) is list:
                return False
    return True


def _describe(error: ValidationError) -> str:
    """The first complaint about each field, in one line, without the values (they may be personal)."""
    complaints: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(detail["loc"][0]) if detail["loc"] else ""
        # Of a union's branches the last is the one that explains itself.
        complaints[field] = detail["msg"].removeprefix("Value error, ")
    return "; ".join(f"{field}: {message}" if field else message for field, message in complaints.items())


def _not_a_number(literal: str) -> None:
    raise ValueError(f"Invalid JSON: {literal} is not a JSON value")


def _look_closer(value: bytes, app_id: str, *, strict: bool) -> None:
    """Refuse NaN and Infinity anywhere, and unknown fields for a strict app."""
    try:
        fields = json.loads(value, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(str(error)) from error
    unknown = sorted(fields.keys() - _KNOWN) if strict else ()
    if unknown:
        raise InvalidEvent(f"unknown field {unknown[0]!r}, and app {app_id!r} is strict")
