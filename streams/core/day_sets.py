"""Many sets of days at once, in columns (one alone: ``streams.core.days``)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bytes", "DaySets", "Flags", "Ints", "stretches", "unpacked"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

#: Flags that are unpacked at once. All sets of a matrix take the room of the longest: a single user whose days go back
#: 26 years would widen those of all who came last on the same day.
_AT_ONCE: Final = 8_000_000


class DaySets(NamedTuple):
    """Non-empty sets of days, one a row.

    ``last`` is the latest day and ``length`` the bit length of each; its bits are little-endian bytes in ``buffer``,
    from ``begin`` on.
    """

    last: Ints
    length: Ints
    begin: Ints
    buffer: Bytes

    @property
    def first(self) -> Ints:
        """The earliest day of each set."""
        return self.last - self.length + 1

    def by_last_day(self, since: int) -> Iterator[tuple[int, Ints]]:
        """The last days from ``since`` on with rows that have it: once or, of many or long sets, more often."""
        rows = np.flatnonzero(self.last >= since)
        rows = rows[np.lexsort((-self.length[rows], self.last[rows]))]
        for day, begin, end in stretches(self.last[rows]):
            left = rows[begin:end]
            while len(left):
                count = max(1, _AT_ONCE // int(self.length[left[0]]))
                yield day, left[:count]
                left = left[count:]

    def flags(self, rows: Ints) -> Flags:
        """The bits of ``rows``, as ``unpacked`` gives them."""
        length = self.length[rows]
        size = (length + 7) // 8
        columns = np.arange(int(size.max()))
        places = np.minimum(self.begin[rows, None] + columns, len(self.buffer) - 1)
        return unpacked(np.where(columns < size[:, None], self.buffer[places], np.uint8(0)), int(length.max()))

    def bits(self, row: int) -> int:
        """The set of ``row`` as ``streams.core.days`` has it."""
        begin = int(self.begin[row])
        return int.from_bytes(self.buffer[begin : begin + (int(self.length[row]) + 7) // 8].tobytes(), "little")


def unpacked(bits: Bytes, width: int) -> Flags:
    """``bits``, shape (sets, bytes), as ``width`` flags a row, with one column of False behind the earliest day."""
    flags = np.unpackbits(bits, axis=1, count=width, bitorder="little")
    return np.pad(flags, ((0, 0), (0, 1))).view(bool)


def stretches(ascending: Ints) -> Iterator[tuple[int, int, int]]:
    """Each distinct number with the beginning and the end of its stretch."""
    numbers, begins = np.unique(ascending, return_index=True)
    ends = [*begins[1:].tolist(), len(ascending)]
    yield from zip(numbers.tolist(), begins.tolist(), ends[: len(numbers)], strict=True)
