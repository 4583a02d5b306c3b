"""A user's set of days as a bit set: the latest day, and an ``int`` whose bit *i* says "the day *i* before it".

The empty set is ``(NO_DAY, 0)``. Bit 0 of a non-empty set is always set. Streaks are always computed from the
set, never from a counter, so order, repeats and late events cannot break them.
"""

from collections.abc import Iterator
from typing import Final

__all__ = ["NO_DAY", "add", "contains", "first", "iterate", "longest_run", "run_ending_on", "union"]

NO_DAY: Final = -1


def first(last: int, bits: int) -> int:
    """The earliest day of a non-empty set."""
    return last - bits.bit_length() + 1


def contains(last: int, bits: int, day: int) -> bool:
    """Whether ``day`` is in the set."""
    return day <= last and bits >> (last - day) & 1 == 1


def add(last: int, bits: int, day: int) -> tuple[int, int]:
    """The set with ``day`` in it."""
    if bits == 0:
        return day, 1
    if day > last:
        return day, bits << (day - last) | 1
    return last, bits | 1 << (last - day)


def union(last: int, bits: int, other_last: int, other_bits: int) -> tuple[int, int]:
    """The set of all days of both sets."""
    latest = max(last, other_last)
    return latest, bits << (latest - last) | other_bits << (latest - other_last)


def iterate(last: int, bits: int, since: int) -> Iterator[int]:
    """The days of the set from ``since`` on, ascending."""
    if since > last:
        return
    recent = bits & ((1 << (last - since + 1)) - 1)
    while recent:
        position = recent.bit_length() - 1
        yield last - position
        recent ^= 1 << position


def run_ending_on(last: int, bits: int, day: int) -> int:
    """Length of the run of consecutive days that ends on ``day``; 0 when ``day`` is not in the set."""
    if day > last:
        return 0
    before = bits >> (last - day)
    return (before ^ (before + 1)).bit_length() - 1


def longest_run(bits: int) -> int:
    """Length of the longest run of consecutive days."""
    length = 0
    while bits:
        bits &= bits >> 1
        length += 1
    return length
