"""A seeded engine that makes hostile messages of good ones: flipped bytes, cuts, splices, values of another kind."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.oracle.hostile import malformed, odd, to_json

__all__ = ["APPS", "FIELDS", "Mutator"]

APPS: Final = ("plain", "strict", "newyork", "unlisted")
_TS: Final = 1_709_179_200_123
#: A good event with every field there is.
_FULL: Final[Mapping[str, Any]] = {
    "event_id": "e-1",
    "app_id": "plain",
    "user_id": "用户 1",
    "event": "app_open",
    "ts": _TS,
    "scene": 1001,
    "platform": "ios",
    "app_version": "1.10.0",
    "page": "pages/index",
    "city": "北京",
    "district": "朝阳",
    "channel": "qr",
    "campaign": "spring'24",
    "variant": "A",
    "inviter_id": "u2",
    "duration_ms": 1234,
    "amount": -990,
    "for_day": "2024-02-28",
    "props": {"k": "v", "n": 1.5, "t": True, "z": None},
}
FIELDS: Final = (*_FULL, "unknown", "")
_LONGEST: Final = 4096

#: Text in the place of a value: numbers on the edges, other kinds, broken escapes, things that are no JSON.
_LITERALS: Final = (
    *(str(number) for number in (0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**30)),
    *("946684800000", "946684799999", "4102444799999", "4102444800000", "253402300799999", "1709179200", _TS * 1000),
    *("1.0", "1e3", "1E400", "-0", "-0.0", "0.1e-5", "01", "+1", ".5", "1.", "0x10", "1_000"),
    *("9" * 400, "-" + "9" * 4400),
    *("null", "true", "false", "NaN", "-Infinity", "Infinity", "nan", "None", "undefined", "", " ", "tru"),
    *('""', '" "', '"0"', '"x"', '"app_open"', '"check_in"', '"A"', '"a-b"', '"_a"', '"message_sent"', "'x'"),
    *(r'"\ud800"', r'"\udc00x"', r'"\ud83d\ude00"', r'"\ude00\ud83d"', r'"\u0000"', r'"\u00"', r'"\x41"'),
    *('"\\"', r'"\/\b\f"'),
    *("[]", "{}", "[1]", "[[]]", '{"a":1}', '{"a":{}}', '{"a":[]}', '{"":""}', '{"a":NaN}', '{"a":1,"a":2}'),
    *("[", "{", '"'),
    *(f'"{app}"' for app in APPS),
    *('"2024-02-29"', '"2024-02-30"', '"2024-2-9"', '"0000-01-01"', '"9999-12-31"', '"2024-02-26"', '"2024-03-01"'),
    *('"2024-02-29T12:00:00Z"', '"2024-02-29T23:59:60Z"', '"2024-02-29T24:00:00Z"', '"1999-12-31T23:59:59.999Z"'),
    *('"9999-12-31T23:59:59-23:59"', '"0001-01-01T00:00:00+23:59"', '"2100-01-01T00:00:00Z"', '"2024-02-29t12:00:00z"'),
)  # fmt: skip
_BYTES: Final = (
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\\",
    b'"',
    b",",
)
_TOKENS: Final = (
    *_BYTES,
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"e",
    b"-",
    b"0",
    b"9",
    b"\n",
    b"\x1f",
    b"\\u",
    b"\xe2\x80\xa8",
)

_Mutation = Callable[["Mutator"], bytes]


@dataclass(frozen=True, slots=True)
class _Seed:
    """A good message, and where its keys and values stand."""

    value: bytes
    keys: tuple[tuple[int, int], ...]
    values: tuple[tuple[int, int], ...]


class Mutator:
    """An endless stream of messages, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._random = self._rng.random
        self._seeds = [_seed(fields) for fields in _events(self._rng)]
        good = {"event_id": "e", "app_id": "plain", "user_id": "u", "event": "app_open", "ts": _TS}
        known = [value for value in (*malformed(good).values(), *odd(good).values()) if value]
        self._spliced = [seed.value for seed in self._seeds] + [value for value in known if len(value) < _LONGEST]
        self._literals = [str(literal).encode() for literal in _LITERALS]
        mild = (Mutator._replace_value, Mutator._replace_text, Mutator._replace_number, Mutator._replace_time)
        self._mutations: tuple[_Mutation, ...] = (
            *mild * 3,
            Mutator._flip,
            Mutator._flip,
            Mutator._truncate,
            Mutator._cut,
            Mutator._insert,
            Mutator._insert,
            Mutator._splice,
            Mutator._repeat_key,
            Mutator._repeat_key,
            Mutator._rename,
            Mutator._swap,
            Mutator._noise,
            Mutator._nest,
        )

    def __iter__(self) -> Iterator[bytes]:
        mutations, below = self._mutations, self._below
        while True:
            value = mutations[below(len(mutations))](self)
            while self._random() < 0.15:
                value = self._damage(value)
            yield value

    def _below(self, bound: int) -> int:
        return int(self._random() * bound)

    def _pick(self) -> _Seed:
        return self._seeds[self._below(len(self._seeds))]

    def _put(self, literal: bytes) -> bytes:
        """A good message with ``literal`` in the place of one of its values."""
        seed = self._pick()
        start, end = seed.values[self._below(len(seed.values))]
        return seed.value[:start] + literal + seed.value[end:]

    def _replace_value(self) -> bytes:
        return self._put(self._literals[self._below(len(self._literals))])

    def _replace_text(self) -> bytes:
        """Text as long as a field may be, or one more or less; now and then far more."""
        length = (0, 1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000)[self._below(12)]
        if self._random() < 0.0005:
            length = 270_000
        return self._put(b'"' + ("a", "_", "长", "😀", " ", "0")[self._below(6)].encode() * length + b'"')

    def _replace_number(self) -> bytes:
        number = self._rng.getrandbits(1 + self._below(70))
        text = str(-number if self._random() < 0.3 else number)
        if self._random() < 0.2:
            text += (".0", "e2", "E-1", ".5e+10", "e999")[self._below(5)]
        return self._put(text.encode())

    def _replace_time(self) -> bytes:
        """Something like RFC 3339."""
        below = self._below
        day = f"{(1999, 2000, 2023, 2024, 2099, 2100, 9999, 0)[below(8)]:04}-{below(14):02}-{below(33):02}"
        if self._random() < 0.15:
            return self._put(f'"{day}"'.encode())
        clock = f"{below(26):02}:{below(62):02}:{below(62):02}"
        fraction = ("", "", f".{below(1000)}", ".123456789", ".", "," + str(below(9)), "." + "1" * below(41))[below(7)]
        zone = ("Z", "z", "+08:00", "-23:59", "+24:00", "+00:60", "-00:00", "+0800", "+08", "", " Z")[below(11)]
        return self._put(f'"{day}{"TTTt _"[below(6)]}{clock}{fraction}{zone}"'.encode())

    def _flip(self) -> bytes:
        value = bytearray(self._pick().value)
        for _ in range(1 + self._below(3)):
            value[self._below(len(value))] ^= 1 << self._below(8)
        return bytes(value)

    def _truncate(self) -> bytes:
        value = self._pick().value
        return value[: self._below(len(value))]

    def _cut(self) -> bytes:
        value = self._pick().value
        start = self._below(len(value))
        return value[:start] + value[start + self._below(20) :]

    def _insert(self) -> bytes:
        return self._damage(self._pick().value)

    def _splice(self) -> bytes:
        one, other = (self._spliced[self._below(len(self._spliced))] for _ in range(2))
        return one[: self._below(len(one))] + other[self._below(len(other)) :]

    def _repeat_key(self) -> bytes:
        """A field twice, the other one first or last, with any value."""
        value = self._pick().value
        field = json.dumps(FIELDS[self._below(len(FIELDS))], ensure_ascii=self._random() < 0.5).encode()
        pair = field + b":" + self._literals[self._below(len(self._literals))]
        return b"{" + pair + b"," + value[1:] if self._random() < 0.5 else value[:-1] + b"," + pair + b"}"

    def _rename(self) -> bytes:
        seed = self._pick()
        start, end = seed.keys[self._below(len(seed.keys))]
        name = (b'"unknown"', b'"ts"', b'"user_id"', b'"\\u0074s"', b'""', b"ts", b"1", b'"\\ud800"', b'"TS"')[
            self._below(9)
        ]
        return seed.value[:start] + name + seed.value[end:]

    def _swap(self) -> bytes:
        """Two values in each other's place."""
        seed = self._pick()
        one, other = sorted((self._below(len(seed.values)), self._below(len(seed.values))))
        (a, b), (c, d), value = seed.values[one], seed.values[other], seed.value
        return value if one == other else value[:a] + value[c:d] + value[b:c] + value[a:b] + value[d:]

    def _noise(self) -> bytes:
        return self._rng.randbytes(self._below(64))

    def _nest(self) -> bytes:
        depth = 1 + self._below(20) if self._random() < 0.8 else self._below(2000)
        opening, closing = ((b"[", b"]"), (b'{"a":', b"}"))[self._below(2)]
        return self._put(opening * depth + b"1" + closing * (depth if self._random() < 0.9 else self._below(depth + 1)))

    def _damage(self, value: bytes) -> bytes:
        at = self._below(len(value) + 1)
        return value[:at] + _TOKENS[self._below(len(_TOKENS))] + value[at + self._below(2) :]


def _events(rng: random.Random) -> Iterator[Mapping[str, Any]]:
    """Good events: the five fields alone, all of them, and any choice, for every app."""
    required = ("event_id", "app_id", "user_id", "event", "ts")
    optional = [name for name in _FULL if name not in required]
    for app_id in APPS:
        for event in ("app_open", "check_in", "message_sent"):
            least = {name: _FULL[name] for name in required} | {"app_id": app_id, "event": event}
            yield least
            yield {**_FULL, **least}
            for _ in range(4):
                yield least | {name: _FULL[name] for name in rng.sample(optional, rng.randrange(1, 6))}
            yield least | {"ts": "2024-02-29T12:00:00.123+08:00", "unknown": [1, {"deep": None}]}


def _seed(fields: Mapping[str, Any]) -> _Seed:
    keys, values = [], []
    at = 1
    for name, field in fields.items():
        key, value = len(json.dumps(name)), len(to_json({"": field})) - len(b'{"":}')
        keys.append((at, at + key))
        values.append((at + key + 1, at + key + 1 + value))
        at += key + value + 2
    return _Seed(to_json(fields), tuple(keys), tuple(values))
