"""User records of version 1; ``streams.codec`` reads them and writes its own version."""

import struct
import sys
from typing import Final

from streams.core.state import NO_ATTRIBUTES, UserState

__all__ = ["decode_user_v1"]

#: version, offset, rekeyed_offset, last_day, last_check_in, first_ts, first_tie, accepted, repeated, rekeyed ×2,
#: bytes of days, bytes of check_ins, bit mask of the attributes present, days with event ids
_HEAD: Final = struct.Struct("<BqqiiQ8sIIIIHHHH")
_IDS: Final = struct.Struct("<iI")
_LENGTH: Final = struct.Struct("<H")


def decode_user_v1(record: bytes) -> UserState:
    """The state in ``record``, whose checksum was checked."""
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
    ) = _HEAD.unpack_from(record)
    at = _HEAD.size
    user.days = int.from_bytes(record[at : at + days_length], "little")
    at += days_length
    user.check_ins = int.from_bytes(record[at : at + check_ins_length], "little")
    at += check_ins_length
    texts = list(NO_ATTRIBUTES)
    for index in range(len(texts)):
        if present >> index & 1:
            length = _LENGTH.unpack_from(record, at)[0]
            at += _LENGTH.size
            texts[index] = sys.intern(record[at : at + length].decode())
            at += length
    if present:
        user.attributes = (
            texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7], texts[8],
        )  # fmt: skip
    for _ in range(id_days):
        day, length = _IDS.unpack_from(record, at)
        at += _IDS.size
        user.event_ids[day] = record[at : at + length]
        at += length
    return user
