"""The bytes of the ``users`` changelog: keys and user records. Versioned and checksummed.

User record, little-endian. A head of fixed size, so that recovery can read the records of all users in columns
(``streams.columns``): ``version u8, flags u8, bytes of days u16, last_day + 1 u16, offset + 1 u48, first_ts u48,
accepted u32, first_tie 8 bytes``. Then the bits of the active days, and what the flags announce: the rekeyed topic's
``offset + 1 u48, accepted u32, repeated u32``; ``repeated u32``; check-ins (``last_check_in + 1 u16``, length u16,
bits); attributes (length u16; bit mask u16, texts with their length in front); event ids (days u16; per day
``day u16, count u16``, 8 bytes each). CRC-32 last.
"""

import struct
import sys
from functools import lru_cache
from typing import Final
from zlib import crc32

from schemas.errors import Terminal
from streams.codec_v1 import decode_user_v1
from streams.core.state import ID_BYTES, NO_ATTRIBUTES, NO_TS, Attributes, UserState

__all__ = [
    "HAS_ATTRIBUTES",
    "HAS_CHECK_INS",
    "HAS_REKEYED",
    "HAS_REPEATED",
    "HEAD",
    "REKEYED",
    "RESERVED",
    "checked",
    "decode_attributes",
    "decode_key",
    "decode_user",
    "encode_key",
    "encode_user",
    "is_user",
    "offsets_of",
    "sealed",
    "upgraded",
]

VERSION: Final = 2
#: version, flags, bytes of days, last_day + 1, offset + 1 (low, high), first_ts (low, high), accepted, first_tie
HEAD: Final = struct.Struct("<BBHHIHIHI8s")
HAS_REKEYED, HAS_REPEATED, HAS_CHECK_INS, HAS_ATTRIBUTES, _HAS_IDS = 1, 2, 4, 8, 16
REKEYED: Final = struct.Struct("<IHII")
_COUNT: Final = struct.Struct("<I")
_PAIR: Final = struct.Struct("<HH")
_SHORT: Final = struct.Struct("<H")
_LOW: Final = 0xFFFFFFFF
#: Stands for ``NO_TS``.
_NO_TS_48: Final = 2**48 - 1
#: Lengths from here on take two more bytes.
_LONG_TEXT: Final = 255
#: Most users share their attributes with many others.
_KNOWN_ATTRIBUTES: Final = 4096
_KNOWN_APPS: Final = 1024

#: The CRC-32 of any bytes followed by their own CRC-32, little-endian.
_RESIDUE: Final = 0x2144DF1C
_CRC_BYTES: Final = 4

#: No app id is this long, so no user's key begins like it: keys of records about the partition.
RESERVED: Final = b"\xff\xff"


def encode_key(app_id: str, user_id: str) -> bytes:
    """The changelog key of a user: length of the app id in bytes (u16), app id, user id, UTF-8."""
    return _encode_app(app_id) + user_id.encode()


@lru_cache(maxsize=_KNOWN_APPS)
def _encode_app(app_id: str) -> bytes:
    app = app_id.encode()
    return _SHORT.pack(len(app)) + app


def decode_key(key: bytes) -> tuple[str, str]:
    """The (app_id, user_id) of a changelog key."""
    end = 2 + _SHORT.unpack_from(key)[0]
    return sys.intern(key[2:end].decode()), key[end:].decode()


def is_user(key: bytes) -> bool:
    """Whether the record under ``key`` is a user's, not one about the partition."""
    return not key.startswith(RESERVED)


def sealed(body: bytes) -> bytes:
    """``body`` with its checksum."""
    return body + crc32(body).to_bytes(_CRC_BYTES, "little")


def checked(record: bytes) -> bytes:
    """``record`` itself. Raises ``Terminal`` when it was damaged."""
    if len(record) <= _CRC_BYTES or crc32(record) != _RESIDUE:
        raise Terminal("a changelog record fails its checksum: restore the changelog topic or reprocess as a new epoch")
    return record


def upgraded(record: bytes) -> bytes:
    """The checked user record in the current version.

    Raises ``Terminal`` when it was damaged or written by a newer version.
    """
    version = checked(record)[0]
    if version == VERSION:
        return record
    if version == 1:
        return encode_user(decode_user_v1(record))
    raise Terminal(f"a changelog record has version {version}, this build reads up to {VERSION}: upgrade this worker")


def offsets_of(record: bytes) -> tuple[int, int]:
    """How far the record's user had been folded in ``mp.events`` and in ``mp.events.rekeyed``."""
    _, flags, days_length, _, low, high, *_ = HEAD.unpack_from(record)
    offset = (high << 32 | low) - 1
    if not flags & HAS_REKEYED:
        return offset, -1
    low, high, _, _ = REKEYED.unpack_from(record, HEAD.size + days_length)
    return offset, (high << 32 | low) - 1


def encode_user(user: UserState) -> bytes:
    """The record of ``user``."""
    bits, flags = user.days, 0
    days = bits.to_bytes((bits.bit_length() + 7) >> 3, "little")
    parts = [b"", days]
    if user.rekeyed_offset >= 0:
        flags |= HAS_REKEYED
        after = user.rekeyed_offset + 1
        parts.append(REKEYED.pack(after & _LOW, after >> 32, user.rekeyed_accepted, user.rekeyed_repeated))
    if user.repeated:
        flags |= HAS_REPEATED
        parts.append(_COUNT.pack(user.repeated))
    if user.check_ins:
        flags |= HAS_CHECK_INS
        filled = user.check_ins.to_bytes((user.check_ins.bit_length() + 7) >> 3, "little")
        parts += (_PAIR.pack(user.last_check_in + 1, len(filled)), filled)
    if user.attributes is not NO_ATTRIBUTES:
        flags |= HAS_ATTRIBUTES
        parts.append(_encode_attributes(user.attributes))
    if user.event_ids:
        flags |= _HAS_IDS
        parts.append(_SHORT.pack(len(user.event_ids)))
        for day, seen in user.event_ids.items():
            parts += (_PAIR.pack(day, len(seen) // ID_BYTES), seen)
    after = user.offset + 1
    ts = user.first_ts if user.first_ts != NO_TS else _NO_TS_48
    parts[0] = HEAD.pack(
        VERSION,
        flags,
        len(days),
        user.last_day + 1,
        after & _LOW,
        after >> 32,
        ts & _LOW,
        ts >> 32,
        user.accepted,
        user.first_tie,
    )
    return sealed(b"".join(parts))


@lru_cache(maxsize=_KNOWN_ATTRIBUTES)
def _encode_attributes(attributes: Attributes) -> bytes:
    present, texts = 0, b""
    for index, text in enumerate(attributes):
        if text:
            present |= 1 << index
            encoded = text.encode()
            length = len(encoded)
            texts += (bytes((length,)) if length < _LONG_TEXT else b"\xff" + _SHORT.pack(length)) + encoded
    return _SHORT.pack(2 + len(texts)) + _SHORT.pack(present) + texts


def decode_user(record: bytes) -> UserState:
    """The state in ``record``, of any version. Raises ``Terminal`` when it was damaged; it is never half-read."""
    record = upgraded(record)
    user = UserState()
    _, flags, length, last_day, low, high, ts_low, ts_high, user.accepted, user.first_tie = HEAD.unpack_from(record)
    user.last_day = last_day - 1
    user.offset = (high << 32 | low) - 1
    first_ts = ts_high << 32 | ts_low
    user.first_ts = first_ts if first_ts != _NO_TS_48 else NO_TS
    at = HEAD.size + length
    user.days = int.from_bytes(record[HEAD.size : at], "little")
    if flags & HAS_REKEYED:
        low, high, user.rekeyed_accepted, user.rekeyed_repeated = REKEYED.unpack_from(record, at)
        user.rekeyed_offset = (high << 32 | low) - 1
        at += REKEYED.size
    if flags & HAS_REPEATED:
        (user.repeated,) = _COUNT.unpack_from(record, at)
        at += _COUNT.size
    if flags & HAS_CHECK_INS:
        last_check_in, length = _PAIR.unpack_from(record, at)
        at += _PAIR.size
        user.last_check_in = last_check_in - 1
        user.check_ins = int.from_bytes(record[at : at + length], "little")
        at += length
    if flags & HAS_ATTRIBUTES:
        (length,) = _SHORT.unpack_from(record, at)
        at += _SHORT.size
        user.attributes = decode_attributes(record[at : at + length])
        at += length
    if flags & _HAS_IDS:
        (days,) = _SHORT.unpack_from(record, at)
        at += _SHORT.size
        for _ in range(days):
            day, count = _PAIR.unpack_from(record, at)
            at += _PAIR.size
            user.event_ids[day] = record[at : at + count * ID_BYTES]
            at += count * ID_BYTES
    return user


@lru_cache(maxsize=_KNOWN_ATTRIBUTES)
def decode_attributes(section: bytes) -> Attributes:
    """The attributes in that section of a record, after its length."""
    (present,) = _SHORT.unpack_from(section)
    at = _SHORT.size
    texts = list(NO_ATTRIBUTES)
    for index in range(len(texts)):
        if present >> index & 1:
            length = section[at]
            at += 1
            if length == _LONG_TEXT:
                (length,) = _SHORT.unpack_from(section, at)
                at += _SHORT.size
            texts[index] = section[at : at + length].decode()
            at += length
    return (texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7], texts[8])
