"""Column layouts of the ClickHouse tables, and the batch of rows that one flush writes.

The migrations under ``sinks/migrations`` declare the same columns; a test compares the two. Every table is a
``ReplacingMergeTree(version)``: writing a row twice, late, or from a worker that was cut off changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = ["TABLES", "RowBatch", "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and its columns in insert order, with their ClickHouse types."""

    name: str
    columns: Mapping[str, str]


def _table(name: str, **columns: str) -> Table:
    return Table(name, MappingProxyType(columns))


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            _table(
                "cells",
                epoch="UInt32",
                family="LowCardinality(String)",
                app_id="LowCardinality(String)",
                start="Date",
                n="UInt16",
                segment="LowCardinality(String)",
                value="String",
                partition="UInt16",
                users="UInt64",
                version="UInt64",
            ),
            _table(
                "users",
                epoch="UInt32",
                app_id="LowCardinality(String)",
                user_id="String",
                partition="UInt16",
                first_date="Date",
                last_date="Date",
                active_mask="UInt32",
                streak_start="Date",
                longest_streak="UInt16",
                last_check_in="Nullable(Date)",
                check_in_mask="UInt32",
                check_in_start="Nullable(Date)",
                longest_check_in_streak="UInt16",
                scene="LowCardinality(String)",
                platform="LowCardinality(String)",
                app_version="LowCardinality(String)",
                channel="LowCardinality(String)",
                campaign="LowCardinality(String)",
                variant="LowCardinality(String)",
                city="LowCardinality(String)",
                district="LowCardinality(String)",
                inviter_id="String",
                version="UInt64",
            ),
            _table(
                "refused",
                epoch="UInt32",
                topic="LowCardinality(String)",
                partition="UInt16",
                offset="UInt64",
                reason="LowCardinality(String)",
                detail="String",
                key="String",
                raw="String",
                at="DateTime64(3, 'UTC')",
                version="UInt64",
            ),
            _table(
                "progress",
                epoch="UInt32",
                topic="LowCardinality(String)",
                partition="UInt16",
                offset="UInt64",
                watermark="Nullable(Date)",
                at_end="Bool",
                consumed="UInt64",
                accepted="UInt64",
                duplicate="UInt64",
                late="UInt64",
                future="UInt64",
                invalid="UInt64",
                rekeyed="UInt64",
                version="UInt64",
            ),
            _table(
                "apps",
                epoch="UInt32",
                app_id="LowCardinality(String)",
                time_zone="LowCardinality(String)",
                day_cutoff_minutes="UInt16",
                allowed_lateness="UInt16",
                milestones="Array(UInt16)",
                version="UInt64",
            ),
        )
    }
)


@dataclass(slots=True)
class RowBatch:
    """The rows of one flush: per table name, one list a column, in the order of ``TABLES[name].columns``.

    Dates are days since 1970-01-01 as ``int``; ``at`` is milliseconds since the epoch as ``int``;
    ``raw`` and ``key`` are ``bytes``.
    """

    columns: dict[str, list[list[Any]]] = field(default_factory=dict)

    def add(self, table: str, row: Sequence[Any]) -> None:
        """Append one row (values in column order) to ``table``."""
        columns = self.columns.get(table)
        if columns is None:
            columns = self.columns[table] = [[] for _ in TABLES[table].columns]
        for column, value in zip(columns, row, strict=True):
            column.append(value)

    def extend(self, table: str, *columns: list[Any]) -> None:
        """Append whole columns, all of one length, to ``table``."""
        known = self.columns.get(table)
        if known is None:
            self.columns[table] = list(columns)
            return
        for column, values in zip(known, columns, strict=True):
            column.extend(values)

    def rows(self, table: str) -> int:
        """How many rows this batch holds for ``table``."""
        columns = self.columns.get(table)
        return len(columns[0]) if columns else 0
