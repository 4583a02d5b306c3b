"""Totals of open cells from the changelog records of users at rest, many users at a time."""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Final

from streams.codec import RESERVED
from streams.core.app_fold import AppFold
from streams.user_columns import UserColumns, read_columns

__all__ = ["add_resting"]

#: Users whose records are read at once. It bounds the memory that a rebuild needs, and how long it holds the loop up.
_AT_ONCE: Final = 50_000


def add_resting(
    app: Callable[[str], AppFold | None], records: Mapping[bytes, bytes], since: int, without: Set[bytes] = frozenset()
) -> Iterator[UserColumns]:
    """Add the users of ``records`` to the totals of their apps, for cells that end on ``since`` or later.

    Lazily, one part at a time, whose columns are given. ``app`` gives the fold of an app id, ``None`` for one that is
    not listed. The users whose keys are in ``without`` are left out.
    """
    for app_id, part in _parts(records, without):
        fold = app(app_id)
        if fold is not None:
            columns = read_columns(part, since if fold.settings.segments else 2**31)
            fold.add_many(columns.activity, columns.codes, columns.attributes, columns.check_ins, since)
            yield columns


def _parts(records: Mapping[bytes, bytes], without: Set[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Records of one app together, at most so many."""
    parts: dict[bytes, list[bytes]] = {}
    for key, record in records.items():
        if key[:2] == RESERVED or key in without:
            continue
        app_id = key[2 : 2 + (key[0] | key[1] << 8)]
        part = parts.setdefault(app_id, [])
        part.append(record)
        if len(part) == _AT_ONCE:
            yield app_id.decode(), part
            del parts[app_id]
    for app_id, part in parts.items():
        yield app_id.decode(), part
