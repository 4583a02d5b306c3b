"""The bytes of the ``users`` changelog: keys, user records and the progress record. Versioned and checksummed.

User record, little-endian: ``version u8, offset i64, rekeyed_offset i64`` (at a fixed place, so that recovery can
compare records without reading them whole), the other numbers, bit sets, texts and lists by length, CRC-32 last.
"""

import json
import struct
import sys
from dataclasses import asdict
from typing import Final, NamedTuple
from zlib import crc32

from schemas.errors import Terminal
from streams.core.progress import Progress, TopicProgress
from streams.core.state import NO_ATTRIBUTES, Attributes, UserState

__all__ = [
    "FLUSH_KEY",
    "PROGRESS_KEY",
    "FlushPoint",
    "decode_flush_point",
    "decode_key",
    "decode_progress",
    "decode_user",
    "encode_flush_point",
    "encode_key",
    "encode_progress",
    "encode_user",
    "is_user",
    "offsets_of",
]

_VERSION: Final = 1
#: version, offset, rekeyed_offset, last_day, last_check_in, first_ts, first_tie, accepted, repeated, rekeyed ×2,
#: bytes of days, bytes of check_ins, bit mask of the attributes present, days with event ids
_HEAD: Final = struct.Struct("<BqqiiQ8sIIIIHHHH")
_POSITION: Final = struct.Struct("<xqq")
_IDS: Final = struct.Struct("<iI")
_CRC: Final = struct.Struct("<I")
_LENGTH: Final = struct.Struct("<H")

#: No app id is this long, so no user's key begins like it.
_RESERVED: Final = b"\xff\xff"
#: The progress that is durable, and how far the last flush reaches.
PROGRESS_KEY: Final = _RESERVED + b"progress"
FLUSH_KEY: Final = _RESERVED + b"flush"


class FlushPoint(NamedTuple):
    """How far a flush reaches: the next offsets of both input topics, written before anything of it is published.

    ``term`` orders the owners of a partition: each has a higher one than those before it. What an owner writes that has
    been replaced without noticing is told by it.
    """

    term: int
    events: int
    rekeyed: int

    @property
    def order(self) -> tuple[int, int]:
        """Of two flush points the one with the higher order was written by the later owner, or later by the same."""
        return self.term, self.events + self.rekeyed


def encode_key(app_id: str, user_id: str) -> bytes:
    """The changelog key of a user: length of the app id in bytes (u16), app id, user id, UTF-8."""
    app = app_id.encode()
    return _LENGTH.pack(len(app)) + app + user_id.encode()


def decode_key(key: bytes) -> tuple[str, str]:
    """The (app_id, user_id) of a changelog key."""
    end = 2 + _LENGTH.unpack_from(key)[0]
    return sys.intern(key[2:end].decode()), key[end:].decode()


def is_user(key: bytes) -> bool:
    """Whether the record under ``key`` is a user's, not one about the partition."""
    return not key.startswith(_RESERVED)


def offsets_of(record: bytes) -> tuple[int, int]:
    """How far the record's user had been folded in ``mp.events`` and in ``mp.events.rekeyed``."""
    offset, rekeyed = _POSITION.unpack_from(record)
    return offset, rekeyed


def encode_user(user: UserState) -> bytes:
    """The record of ``user``."""
    days = user.days.to_bytes((user.days.bit_length() + 7) >> 3, "little")
    check_ins = user.check_ins.to_bytes((user.check_ins.bit_length() + 7) >> 3, "little")
    present = 0
    texts: list[bytes] = []
    if user.attributes is not NO_ATTRIBUTES:
        for index, text in enumerate(user.attributes):
            if text:
                present |= 1 << index
                encoded = text.encode()
                texts += (_LENGTH.pack(len(encoded)), encoded)
    parts = [
        _HEAD.pack(
            _VERSION,
            user.offset,
            user.rekeyed_offset,
            user.last_day,
            user.last_check_in,
            user.first_ts,
            user.first_tie,
            user.accepted,
            user.repeated,
            user.rekeyed_accepted,
            user.rekeyed_repeated,
            len(days),
            len(check_ins),
            present,
            len(user.event_ids),
        ),
        days,
        check_ins,
        *texts,
    ]
    for day, seen in user.event_ids.items():
        parts += (_IDS.pack(day, len(seen)), seen)
    body = b"".join(parts)
    return body + _CRC.pack(crc32(body))


def _checked(record: bytes) -> bytes:
    """The record without its checksum. Raises ``Terminal`` when it was damaged or written by a newer version."""
    body, stored = record[: -_CRC.size], record[-_CRC.size :]
    if not body or stored != _CRC.pack(crc32(body)):
        raise Terminal("a changelog record fails its checksum: restore the changelog topic or reprocess as a new epoch")
    if record[0] != _VERSION:
        raise Terminal(f"a changelog record has version {record[0]}, this build reads {_VERSION}: upgrade this worker")
    return body


def decode_user(record: bytes) -> UserState:
    """The state in ``record``. Raises ``Terminal`` when it was damaged; it is never half-read."""
    body = _checked(record)
    user = UserState()
    (
        _,
        user.offset,
        user.rekeyed_offset,
        user.last_day,
        user.last_check_in,
        user.first_ts,
        user.first_tie,
        user.accepted,
        user.repeated,
        user.rekeyed_accepted,
        user.rekeyed_repeated,
        days_length,
        check_ins_length,
        present,
        id_days,
    ) = _HEAD.unpack_from(body)
    at = _HEAD.size
    user.days = int.from_bytes(body[at : at + days_length], "little")
    at += days_length
    user.check_ins = int.from_bytes(body[at : at + check_ins_length], "little")
    at += check_ins_length
    if present:
        user.attributes, at = _decode_attributes(body, at, present)
    for _ in range(id_days):
        day, length = _IDS.unpack_from(body, at)
        at += _IDS.size
        user.event_ids[day] = body[at : at + length]
        at += length
    return user


def _decode_attributes(body: bytes, at: int, present: int) -> tuple[Attributes, int]:
    texts = list(NO_ATTRIBUTES)
    for index in range(len(NO_ATTRIBUTES)):
        if present >> index & 1:
            length = _LENGTH.unpack_from(body, at)[0]
            at += _LENGTH.size
            texts[index] = sys.intern(body[at : at + length].decode())
            at += length
    return (texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7], texts[8]), at


def encode_progress(progress: Progress) -> bytes:
    """The progress record: JSON (it is one small record a flush, and readable with any Kafka tool) and its CRC-32."""
    body = bytes([_VERSION]) + json.dumps(asdict(progress), separators=(",", ":")).encode()
    return body + _CRC.pack(crc32(body))


def decode_progress(record: bytes) -> Progress:
    """The progress in ``record``. Raises ``Terminal`` when it was damaged."""
    parts = json.loads(_checked(record)[1:])
    return Progress(TopicProgress(**parts["events"]), TopicProgress(**parts["rekeyed"]))


def encode_flush_point(point: FlushPoint) -> bytes:
    """The flush record: JSON and its CRC-32, like the progress record."""
    body = bytes([_VERSION]) + json.dumps(point).encode()
    return body + _CRC.pack(crc32(body))


def decode_flush_point(record: bytes) -> FlushPoint:
    """The flush point in ``record``. Raises ``Terminal`` when it was damaged.

    Version 0.1.0 wrote a whole progress record there.
    """
    parts = json.loads(_checked(record)[1:])
    if isinstance(parts, list):
        return FlushPoint(*parts)
    return FlushPoint(0, parts["events"]["next_offset"], parts["rekeyed"]["next_offset"])
