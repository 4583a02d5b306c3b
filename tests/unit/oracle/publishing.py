"""The oracle's own views as tables of a real engine, so that reading and comparing them can be tested."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from tests.oracle.operations import REKEYED
from tests.oracle.view import Between, Row, View

__all__ = ["altered", "publish", "published_rows"]

_PAIRS: Final = "Array(Tuple(key UInt16, value UInt64))"
#: The types of the published columns; every other one is a count.
_TYPES: Final = {
    "retention_rate": "Nullable(Float64)",
    "stickiness": "Nullable(Float64)",
    "raw": "String",
    "at": "DateTime64(3, 'UTC')",
    "watermark": "Nullable(Date)",
    "visit_uv_new": _PAIRS,
    "visit_uv": _PAIRS,
    "is_complete": "Bool",
    "at_risk": "Bool",
    **dict.fromkeys(("app_id", "user_id", "audience", "segment", "value", "kind", "ref_date"), "String"),
    **dict.fromkeys(("topic", "reason", "lifecycle", "scene", "platform", "app_version", "channel"), "String"),
    **dict.fromkeys(("campaign", "variant", "city", "district", "inviter_id"), "String"),
    **dict.fromkeys(("cohort_date", "cohort_start", "date", "first_date", "last_date"), "Date"),
    **dict.fromkeys(("streak_started", "expires_on", "check_in_started", "check_in_expires_on"), "Nullable(Date)"),
}


def published_rows(view: View) -> list[Row]:
    """What a right pipeline publishes, one that folds a user's own events before the rekeyed ones."""
    return [
        key + tuple(_settled(key[0], column, value) for column, value in zip(view.columns, row, strict=True))
        for key, row in view.rows.items()
    ]


def publish(
    client: Client, view: View, rows: Iterable[Row], without: Iterable[str] = (), name: str | None = None
) -> None:
    """Replace the table of ``view`` by ``rows`` of its key columns and columns, leaving out the columns ``without``."""
    every = (*view.keys, *view.columns)
    kept = [position for position, column in enumerate(every) if column not in without]
    columns = ", ".join(f"`{every[position]}` {_TYPES.get(every[position], 'UInt64')}" for position in kept)
    table = name or view.name
    client.command(f"CREATE OR REPLACE TABLE {table} ({columns}) ENGINE = Memory")
    data = [[row[position] for position in kept] for row in rows]
    if data:
        client.insert(table, data, column_names=[every[position] for position in kept])


def altered(column: str, value: Any) -> Any:
    """Another value that the column can hold."""
    if _TYPES.get(column) == "Bool":
        return 1 - value
    match value:
        case str():
            return value + "?"
        case bytes():
            return value + b"\xff"
        case list():
            return value[:-1]
        case date():
            return value + timedelta(days=1)
    return value + 1_000  # more than any count that the messages leave open


def _settled(topic: Any, column: str, value: Any) -> Any:
    if not isinstance(value, Between):
        return value
    most = (column == "duplicate") if topic == REKEYED else (column == "accepted")
    return value.high if most else value.low
