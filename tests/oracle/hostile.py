"""Messages that look like events: what the contract refuses in every way, and what it allows however odd it looks."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["malformed", "odd", "to_json"]

_DEEP = 100_000  # deeper than any JSON reader goes


def to_json(fields: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8, as a backend sends it."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def malformed(good: Mapping[str, Any]) -> dict[str, bytes | None]:
    """By name, the values that are ``invalid``; ``good`` is an event of a listed app, with ``ts`` in milliseconds."""
    found = {**_broken_bytes(good), **_broken_json(good)}
    for name in ("event_id", "app_id", "user_id", "event", "ts"):
        found[f"{name} missing"] = to_json({key: value for key, value in good.items() if key != name})
        for wrong in _NEVER:
            found[f"{name} {wrong!r}"] = to_json({**good, name: wrong})
    for name, wrong in _WRONG:
        found[f"{name} {str(wrong)[:30]!r} ({type(wrong).__name__})"] = to_json({**good, name: wrong})
    for name, longest in (("event_id", 64), ("app_id", 64), ("user_id", 128), ("event", 64)):
        found[f"{name} one too long"] = to_json({**good, name: "长" * (longest + 1)})
        found[f"{name} of 10 kB"] = to_json({**good, name: "x" * 10_240})
    for day in ("2024-02-30", "2024-2-3", "20240203", "2024-02-03T00:00:00Z", "", 19_756, "２０２４-02-03"):
        found[f"for_day {day!r}"] = to_json({**good, "event": "check_in", "for_day": day})
    found["for_day far back"] = to_json({**good, "event": "check_in", "for_day": "2001-01-01"})
    found["for_day to come"] = to_json({**good, "event": "check_in", "for_day": "2090-01-01"})
    return found


def odd(good: Mapping[str, Any]) -> dict[str, bytes]:
    """By name, values that an app which is not strict accepts; each has an ``event_id`` of its own."""
    fields: dict[str, Mapping[str, Any]] = {
        "null optional fields": {"scene": None, "platform": None, "duration_ms": None, "for_day": None, "props": None},
        "unknown fields": {"is_first_day": True, "nested": [[[{"deep": [1, 2.5, None]}]]], "": ""},
        "empty optional text": {"platform": "", "channel": ""},
        "longest attributes": {"scene": "值" * 256, "inviter_id": "😀" * 256},
        "page of 10 kB": {"page": "页" * 10_240},
        "flat props": {"props": {"a": 1, "b": "二", "c": None, "d": True, "e": 1e300}},
        "no number but text": {"channel": "NaN", "city": "Infinity"},
        "spaces": {"channel": "  ", "city": "\t北京\n"},
        "for_day on another event": {"event": "page_view", "for_day": "2024-02-29"},
        "longest name": {"event": "a" + "_" * 63},
        "amounts": {"event": "order_paid", "amount": 9_007_199_254_740_993, "duration_ms": 0},
        "money back": {"event": "order_paid", "amount": -(2**63), "scene": -1},
    }

    def plain(event_id: str) -> dict[str, Any]:
        # No two in one millisecond: a user's earliest event is one.
        return {**good, "event_id": event_id, "ts": good["ts"] + len(values)}

    values: dict[str, bytes] = {}
    for name, extra in fields.items():
        values[name] = to_json({**plain(f"odd {name}"), **extra})
    values["white space around"] = b" \r\t " + to_json(plain("odd white space")) + b"  \r"
    values["escapes"] = json.dumps(plain('odd 😀"\\/\b'), ensure_ascii=True).encode()
    values["repeated field, the last one counts"] = b'{"user_id":7,"event":"No!",' + to_json(plain("odd repeated"))[1:]
    values["deepest field"] = to_json(plain("odd deep"))[:-1] + b',"deep":' + b"[" * 190 + b"7" + b"]" * 190 + b"}"
    values["longest id"] = to_json(plain("号" * 64))
    return values


def _broken_bytes(good: Mapping[str, Any]) -> dict[str, bytes | None]:
    value = to_json({**good, "city": "北京"})
    return {
        "no value": None,
        "empty": b"",
        "space": b"  ",
        "truncated": value[: len(value) // 2],
        "truncated inside a character": value[: value.index("京".encode()) + 1],
        "latin-1": value.replace("北京".encode(), "\xe9t\xe9".encode("latin-1")),
        "gb18030": value.replace("北京".encode(), "北京".encode("gb18030")),
        "utf-16": value.decode().encode("utf-16"),
        "byte order mark": b"\xef\xbb\xbf" + value,
        "surrogate in utf-8": value.replace("北京".encode(), b"\xed\xa0\x80"),
        "overlong": value.replace("北京".encode(), b"\xc0\x80"),
        "zero bytes": b"\0" * 20,
        "control character": value.replace("北京".encode(), b"\x01"),
        "two objects": value + b" " + value,
        "too large": to_json({**good, "page": "x" * 262_144}),
    }


def _broken_json(good: Mapping[str, Any]) -> dict[str, bytes | None]:
    plain = to_json(good)[:-1]
    whole: dict[str, bytes | None] = {
        f"whole {text}": text.encode() for text in ("null", "true", "7", "-1.5e3", '"text"', "[]", "{}", "undefined")
    }
    return whole | {
        "array of one event": b"[" + to_json(good) + b"]",
        "array nested deeply": b"[" * _DEEP + b"]" * _DEEP,
        "unknown field nested too deeply": plain + b',"deep":' + b"[" * 300 + b"]" * 300 + b"}",
        "unknown field nested deeply": plain + b',"deep":' + b"[" * _DEEP + b"]" * _DEEP + b"}",
        "props nested": plain + b',"props":{"inner":{}}}',
        "props with an array": plain + b',"props":{"inner":[1]}}',
        "trailing comma": plain + b",}",
        "single quotes": to_json(good).replace(b'"', b"'"),
        "comment": plain + b"/* */}",
        "leading zero": plain + b',"amount":01}',
        "not a number": plain + b',"duration_ms":NaN}',
        "not a number in an unknown field": plain + b',"unknown":[NaN]}',
        "infinity in props": plain + b',"props":{"p":Infinity}}',
        "infinity": plain + b',"duration_ms":-Infinity}',
        "lone high surrogate": plain.replace(b'"user_id":"', b'"user_id":"\\ud800') + b"}",
        "lone low surrogate": plain + b',"channel":"\\udc00"}',
        "surrogates the wrong way round": plain + b',"channel":"\\ude00\\ud83d"}',
        "half an escape": plain + b',"channel":"\\u00"}',
        "ts of 400 digits": plain + b',"ts":' + b"9" * 400 + b"}",
        "ts of 6000 digits": plain + b',"ts":' + b"9" * 6000 + b"}",
        "a float of 6000 digits": plain + b',"unknown":' + b"9" * 6000 + b".5}",
        "ts with an exponent": plain + b',"ts":1.7e12}',
    }


#: What no required field may be.
_NEVER: tuple[Any, ...] = (None, True, 1.5, [], {}, "")

_WRONG: tuple[tuple[str, Any], ...] = (
    ("ts", -1),
    ("ts", 0),
    ("ts", 1_709_164_800),
    ("ts", 946_684_799_999),
    ("ts", "1999-12-31T23:59:59.999Z"),
    ("ts", "2000-01-01T00:00:00+00:01"),
    ("ts", "1709164800000"),
    ("ts", "2024-02-29"),
    ("ts", "2024-02-29T12:00:00"),
    ("ts", "2024-02-29T12:00:00.5"),
    ("ts", "2024-02-29T12:00Z"),
    ("ts", "2024-02-29T12:00:00+0800"),
    ("ts", "2024-02-29T12:00:00+08"),
    ("ts", "2024-02-29T12:00:00+24:00"),
    ("ts", "2024-02-29T12:00:00+08:60"),
    ("ts", "2024-02-29T12:00:00.Z"),
    ("ts", "2023-02-29T12:00:00Z"),
    ("ts", "2024-02-29T24:00:00Z"),
    ("ts", "2024-02-29T12:61:00Z"),
    ("ts", "24-02-29T12:00:00Z"),
    ("ts", " 2024-02-29T12:00:00Z"),
    ("ts", "2024-02-29T12:00:00Z\n"),
    ("ts", "Thu, 29 Feb 2024 12:00:00 GMT"),
    ("event", "App_Open"),
    ("event", "app-open"),
    ("event", "1st"),
    ("event", "_open"),
    ("event", "app_open\n"),
    ("event", "打开"),
    ("scene", True),
    ("scene", 2**63),
    ("scene", 1001.5),
    ("scene", [1001]),
    ("platform", 7),
    ("channel", {}),
    ("city", False),
    ("inviter_id", 12),
    ("page", ["pages/index"]),
    ("platform", "x" * 257),
    ("scene", "值" * 257),
    ("duration_ms", -1),
    ("duration_ms", 2**63),
    ("amount", -(2**63) - 1),
    ("duration_ms", "30"),
    ("duration_ms", True),
    ("duration_ms", 30.0),
    ("amount", 9.99),
    ("amount", "9"),
    ("props", []),
    ("props", "flat"),
)
