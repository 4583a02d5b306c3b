"""Changelog records of many users as columns: what a rebuild needs of them, without making a state of each."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.codec import (
    HAS_ATTRIBUTES,
    HAS_CHECK_INS,
    HAS_REKEYED,
    HAS_REPEATED,
    HEAD,
    REKEYED,
    decode_attributes,
)
from streams.core.day_sets import Bytes, DaySets, Ints
from streams.core.state import NO_ATTRIBUTES, Attributes

__all__ = ["UserColumns", "read_columns"]

#: The head of a record, field by field as ``streams.codec`` packs it.
_HEAD_DTYPE: Final = np.dtype(
    [
        ("version", "u1"),
        ("flags", "u1"),
        ("days", "<u2"),
        ("last", "<u2"),
        ("offset_low", "<u4"),
        ("offset_high", "<u2"),
        ("ts", "V6"),
        ("accepted", "<u4"),
        ("tie", "V8"),
    ]
)
_REKEYED_DTYPE: Final = np.dtype(
    [("offset_low", "<u4"), ("offset_high", "<u2"), ("accepted", "<u4"), ("repeated", "<u4")]
)
_PAIR_DTYPE: Final = np.dtype([("first", "<u2"), ("second", "<u2")])
#: Bits of a byte: position of the highest one, from 1.
_BIT_LENGTH: Final = np.array([number.bit_length() for number in range(256)])


class UserColumns(NamedTuple):
    """What the records of some users of one app say, users without an active day or check-in left out of the sets."""

    activity: DaySets
    #: Of each row of ``activity``, its place in ``attributes``; 0 for a user whose last day is before ``since``.
    codes: Ints
    attributes: list[Attributes]
    check_ins: DaySets
    #: Over all users: next offsets of both topics, and the sums of their counters.
    next_offset: int
    next_rekeyed_offset: int
    accepted: int
    repeated: int
    rekeyed_accepted: int
    rekeyed_repeated: int


def read_columns(records: Sequence[bytes], since: int) -> UserColumns:
    """The columns of ``records`` (at least one, checked, of the current version); attributes from day ``since`` on."""
    buffer = np.frombuffer(b"".join(records), np.uint8)
    lengths = np.fromiter(map(len, records), np.int64, len(records))
    at = np.cumsum(lengths) - lengths
    head = _fields(buffer, at, _HEAD_DTYPE)
    flags, day_bytes = head["flags"], head["days"].astype(np.int64)
    last = head["last"].astype(np.int64) - 1
    at += HEAD.size
    active = np.flatnonzero(day_bytes)
    activity = _day_sets(buffer, at[active], day_bytes[active], last[active])
    at += day_bytes

    forwarded = np.flatnonzero(flags & HAS_REKEYED)
    rekeyed = _fields(buffer, at[forwarded], _REKEYED_DTYPE)
    at[forwarded] += REKEYED.size
    repeaters = np.flatnonzero(flags & HAS_REPEATED)
    repeated = _fields(buffer, at[repeaters], np.dtype("<u4"))
    at[repeaters] += repeated.itemsize

    filling = np.flatnonzero(flags & HAS_CHECK_INS)
    pair = _fields(buffer, at[filling], _PAIR_DTYPE)
    check_in_bytes = pair["second"].astype(np.int64)
    at[filling] += pair.itemsize
    check_ins = _day_sets(buffer, at[filling], check_in_bytes, pair["first"].astype(np.int64) - 1)
    at[filling] += check_in_bytes

    described = active[(activity.last >= since) & (flags[active] & HAS_ATTRIBUTES != 0)]
    codes = np.zeros(len(records), np.int64)
    codes[described], attributes = _attributes(buffer, at[described])
    return UserColumns(
        activity,
        codes[active],
        attributes,
        check_ins,
        _highest(head),
        _highest(rekeyed),
        int(head["accepted"].sum(dtype=np.int64)),
        int(repeated.sum(dtype=np.int64)),
        int(rekeyed["accepted"].sum(dtype=np.int64)),
        int(rekeyed["repeated"].sum(dtype=np.int64)),
    )


def _fields(buffer: Bytes, at: Ints, dtype: np.dtype[Any]) -> NDArray[Any]:
    """What stands at ``at``, as ``dtype``."""
    found: NDArray[Any] = np.ascontiguousarray(buffer[at[:, None] + np.arange(dtype.itemsize)]).view(dtype)
    return found.reshape(len(at))


def _day_sets(buffer: Bytes, at: Ints, lengths: Ints, last: Ints) -> DaySets:
    top = buffer[at + lengths - 1]
    return DaySets(last, (lengths - 1) * 8 + _BIT_LENGTH[top], at, buffer)


def _attributes(buffer: Bytes, at: Ints) -> tuple[list[int], list[Attributes]]:
    """The code of each, and the attributes that the codes stand for; code 0 is that of none."""
    raw, places = buffer.tobytes(), {b"": 0}
    begins = at + 2
    ends = begins + _fields(buffer, at, np.dtype("<u2"))
    codes = [
        places.setdefault(raw[begin:end], len(places))
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    ]
    return codes, [decode_attributes(section) if section else NO_ATTRIBUTES for section in places]


def _highest(fields: NDArray[Any]) -> int:
    """The highest next offset among ``fields``."""
    if not len(fields):
        return 0
    return int((fields["offset_high"].astype(np.int64) << 32 | fields["offset_low"]).max())
