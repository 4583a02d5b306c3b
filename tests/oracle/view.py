"""A view as the oracle knows it: rows in a dict, under the columns that make them unique."""

from dataclasses import dataclass, field
from typing import Any

from tests.oracle.population import Population

__all__ = ["Between", "Row", "View", "cohort_row", "rate"]

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A value that the messages determine only up to these bounds, both inclusive; without any it may be anything."""

    low: int | None = None
    high: int | None = None


@dataclass(slots=True)
class View:
    """``rows`` maps the values of ``keys`` to the values of ``columns``, in their order.

    ``optional`` columns are compared only where the published view has them.
    """

    name: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: dict[Row, Row] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


def rate(part: int, whole: int) -> float | None:
    """``part / whole``, or ``None`` of nothing."""
    return part / whole if whole else None


def cohort_row(population: Population, cohort: int, retained: int, last_day: int) -> Row:
    """cohort_users, retained_users, retention_rate, is_complete."""
    return cohort, retained, rate(retained, cohort), population.is_complete(last_day)
