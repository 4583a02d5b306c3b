"""Published views held against the oracle, row by row and column by column."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from tests.oracle.operations import COUNTERS, EVENTS, REKEYED
from tests.oracle.tables import Oracle
from tests.oracle.view import Between, Row, View

__all__ = ["Client", "Difference", "Kind", "assert_equal_views", "differences", "differences_of_rows", "report"]

_TOLERANCE: Final = 1e-12
#: What to select where the column itself does not come over unchanged: bytes, milliseconds, named tuples.
_SELECT: Final = {
    "raw": "hex(raw)",
    "at": "toUnixTimestamp64Milli(at)",
    "visit_uv_new": "arrayMap(pair -> [toUInt64(pair.1), toUInt64(pair.2)], visit_uv_new)",
    "visit_uv": "arrayMap(pair -> [toUInt64(pair.1), toUInt64(pair.2)], visit_uv)",
}

#: The published progress says how far, the table behind it what became of the messages.
_WITH_COUNTERS: Final = (
    f"(SELECT shown.*, {', '.join(COUNTERS)} FROM pipeline_progress AS shown "
    f"JOIN (SELECT epoch, topic, partition, {', '.join(COUNTERS)} FROM progress FINAL) AS counted "
    "USING (epoch, topic, partition))"
)


class Result(Protocol):
    """What ``Client.query`` answers."""

    @property
    def result_rows(self) -> Sequence[Sequence[Any]]: ...


class Client(Protocol):
    """The part of a clickhouse-connect client that is needed; it stands in the database of the views."""

    def query(self, query: str) -> Result: ...


class Kind(StrEnum):
    """How a published view can differ."""

    MISSING_COLUMN = "missing column"
    MISSING = "missing row"
    UNEXPECTED = "unexpected row"
    REPEATED = "repeated row"
    VALUE = "value"
    IDENTITY = "counter identity"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: ``key`` of the row, and for values the column, what the oracle expects and what is published."""

    view: str
    kind: Kind
    key: Row = ()
    column: str = ""
    expected: Any = None
    published: Any = None

    def __str__(self) -> str:
        where = f"{self.view}{self.key!r}"
        match self.kind:
            case Kind.MISSING_COLUMN:
                return f"{self.view}: no column {self.column}"
            case Kind.VALUE | Kind.IDENTITY:
                return f"{where}: {self.column} is {self.published!r}, must be {self.expected!r}"
            case Kind.MISSING:
                return f"{where}: {self.kind}, must be {self.expected!r}"
            case _:
                return f"{where}: {self.kind} {self.published!r}"


def assert_equal_views(
    client: Client, oracle: Oracle, views: Iterable[str] | None = None, *, restarted: bool = False, first: int = 10
) -> None:
    """Fail with the first differences of each view, unless all of ``views`` (every one by default) are equal.

    Raises:
        AssertionError: something differs.
        ValueError: the messages themselves do not determine the views.
    """
    found = differences(client, oracle, views, restarted=restarted)
    if found:
        raise AssertionError(report(found, first))


def differences(
    client: Client, oracle: Oracle, views: Iterable[str] | None = None, *, restarted: bool = False
) -> list[Difference]:
    """Every difference. ``restarted`` allows that events were rekeyed more than once, as a restart or a rebalance does.

    Raises:
        ValueError: the messages themselves do not determine the views.
    """
    if oracle.undetermined:
        raise ValueError(f"the messages do not determine the views: {'; '.join(oracle.undetermined[:3])}")
    found: list[Difference] = []
    for name in oracle.views if views is None else views:
        view = oracle.views[name]
        source = name
        described = _columns_of(client, name)
        if name == "pipeline_progress" and "consumed" not in described:
            source, described = _WITH_COUNTERS, described | set(COUNTERS)
        columns = [column for column in view.columns if column in described or column not in view.optional]
        absent = [column for column in (*view.keys, *columns) if column not in described]
        if absent:
            found += [Difference(name, Kind.MISSING_COLUMN, column=column) for column in absent]
            continue
        selected = ", ".join(_SELECT.get(column, f"`{column}`") for column in (*view.keys, *columns))
        rows = [_plain(row) for row in client.query(f"SELECT {selected} FROM {source}").result_rows]
        found += differences_of_rows(view, columns, rows, restarted=restarted)
        if name == "pipeline_progress":
            found += _counter_differences(oracle, columns, rows, restarted)
    return found


def differences_of_rows(
    view: View, columns: Sequence[str], rows: Sequence[Row], *, restarted: bool = False
) -> list[Difference]:
    """Hold ``rows``, the key columns of ``view`` and then ``columns`` of each, against the view."""
    width = len(view.keys)
    published = {row[:width]: row[width:] for row in rows}
    positions = [view.columns.index(column) for column in columns]
    found = [
        Difference(view.name, Kind.REPEATED, key, published=f"{times} times")
        for key, times in Counter(row[:width] for row in rows).items()
        if times > 1
    ]
    for key, expected_row in view.rows.items():
        expected_values = tuple(expected_row[position] for position in positions)
        if key not in published:
            found.append(Difference(view.name, Kind.MISSING, key, expected=expected_values))
            continue
        lenient = restarted and key[0] == REKEYED
        for column, expected, value in zip(columns, expected_values, published[key], strict=True):
            if not _equal(_at_least(expected) if lenient else expected, value):
                found.append(Difference(view.name, Kind.VALUE, key, column, expected, value))
    for key, values in published.items():
        if key not in view.rows and not _is_untouched(view, values):
            found.append(Difference(view.name, Kind.UNEXPECTED, key, published=values))
    return found


def report(found: Sequence[Difference], first: int = 10) -> str:
    """Counts per view and kind, then the ``first`` differences of each view."""
    lines = [f"{len(found)} differences"]
    for (view, kind), count in Counter((one.view, one.kind) for one in found).items():
        lines.append(f"  {view}: {count} × {kind}")
    for view in dict.fromkeys(one.view for one in found):
        of_view = [one for one in found if one.view == view]
        lines += [f"    {one}" for one in of_view[:first]]
        if len(of_view) > first:
            lines.append(f"    … and {len(of_view) - first} more of {view}")
    return "\n".join(lines)


def _counter_differences(
    oracle: Oracle, columns: Sequence[str], rows: Iterable[Row], restarted: bool
) -> list[Difference]:
    """Consumed is the sum of what became of it, in each row; accepted is exact over both topics of a partition."""
    found = []
    accepted: Counter[int] = Counter()
    for topic, partition, *values in rows:
        counts = {name: int(value) for name, value in zip(columns, values, strict=True) if name in COUNTERS}
        total = sum(counts.values()) - counts["consumed"]
        if total != counts["consumed"]:
            key = (topic, partition)
            found.append(Difference("pipeline_progress", Kind.IDENTITY, key, "consumed", total, counts["consumed"]))
        accepted[partition] += counts["accepted"]
    for partition, expected in oracle.accepted.items():
        lenient = restarted and partition in oracle.forgetful
        if not _equal(_at_least(expected) if lenient else expected, accepted[partition]):
            key = (f"{EVENTS} and {REKEYED}", partition)
            found.append(Difference("pipeline_progress", Kind.IDENTITY, key, "accepted", expected, accepted[partition]))
    return found


def _columns_of(client: Client, name: str) -> set[str]:
    return {row[0] for row in client.query(f"DESCRIBE TABLE {name}").result_rows}


def _plain(row: Sequence[Any]) -> Row:
    """A published row in the oracle's types."""
    return tuple(value.date() if isinstance(value, datetime) else value for value in row)


def _equal(expected: Any, published: Any) -> bool:
    match expected:
        case Between(low, high):
            least = -math.inf if low is None else low
            most = math.inf if high is None else high
            return expected == Between() or (isinstance(published, int) and least <= published <= most)
        case bytes():
            return isinstance(published, str) and bytes.fromhex(published) == expected
        case float():
            return isinstance(published, float) and abs(expected - published) <= _TOLERANCE
        case list():
            return [tuple(pair) for pair in expected] == [tuple(pair) for pair in published]
        case int():
            return isinstance(published, int) and expected == published
    return type(expected) is type(published) and bool(expected == published)


def _at_least(expected: Any) -> Any:
    match expected:
        case Between(low, _):
            return Between(low, None)
        case int():
            return Between(expected, None)
        case _:
            return expected


def _is_untouched(view: View, values: Row) -> bool:
    """Progress of a partition that holds nothing may be published or not."""
    return view.name == "pipeline_progress" and not any(values)
