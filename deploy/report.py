"""The retention triangle in the terminal: ``fetch`` reads it from the views, ``render`` draws it.

Every number is the views' own; pooled rates are summed in SQL. What the caller asks for is bound as query parameters.
The cells are read from the first cohort shown on: the views pass that bound down to the key of their table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from deploy.triangle import Audience, Cell, Cohort, Period, Triangle, plain, render
from schemas.errors import PipelineError

__all__ = ["COLUMNS", "Audience", "Cell", "Cohort", "NothingToReport", "Period", "Triangle", "fetch", "render"]

#: Offsets shown when none are asked for; the daily ones are the keys of WeChat's own retention.
COLUMNS: Final[Mapping[Period, tuple[int, ...]]] = {
    "daily": (0, 1, 2, 3, 4, 5, 6, 7, 14, 30),
    "weekly": (0, 1, 2, 3, 4, 5, 6, 7, 8),
    "monthly": (0, 1, 2, 3, 4, 5, 6),
}


class NothingToReport(PipelineError):
    """The views hold no such app, segment or cohort; the message says which there are."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Names in the views of one period; constants, so that they can stand in the SQL."""

    view: str
    start: str
    n: str
    #: SQL for the first day of period ``n`` after the cohort's.
    begins: str


_SOURCES: Final[Mapping[Period, _Source]] = {
    "daily": _Source("retention_daily", "cohort_date", "day_n", "cohort_date + day_n"),
    "weekly": _Source("retention_weekly", "cohort_start", "period_n", "cohort_start + 7 * period_n"),
    "monthly": _Source("retention_monthly", "cohort_start", "period_n", "addMonths(cohort_start, period_n)"),
}
_BY_SEGMENT: Final = _Source("retention_daily_by_segment", "cohort_date", "day_n", "cohort_date + day_n")

#: An app whose first day has not come has no row in any view yet.
_APPS: Final = "SELECT app_id, today FROM internal_apps WHERE first_date <= today ORDER BY app_id"

_VALUES: Final = """
SELECT value
FROM retention_daily_by_segment
WHERE app_id = {app:String} AND segment = {segment:String} AND day_n = 0
GROUP BY value
ORDER BY sum(cohort_users) DESC, value
"""

_CELLS: Final = """
SELECT $start, $n, cohort_users, retained_users, retention_rate, is_complete
FROM $view
WHERE app_id = {app:String} AND audience = {audience:String} AND $n IN {columns:Array(UInt16)} $where
    AND $start >= {since:Date} AND $begins <= {today:Date}
ORDER BY $start, $n
"""

#: Segments have no rows for days without users, so that their latest cohorts may lie anywhere.
_FIRST_OF_SEGMENT: Final = """
SELECT min(cohort_date)
FROM
(
    SELECT DISTINCT cohort_date
    FROM retention_daily_by_segment
    WHERE app_id = {app:String} AND segment = {segment:String} AND value = {value:String}
        AND cohort_date <= {today:Date} AND day_n = 0
    ORDER BY cohort_date DESC
    LIMIT {cohorts:UInt32}
)
"""

_POOLED: Final = """
SELECT
    $n,
    sumIf(retained_users, $start >= {since:Date}) / nullIf(sumIf(cohort_users, $start >= {since:Date}), 0),
    sum(retained_users) / nullIf(sum(cohort_users), 0)
FROM $view
WHERE app_id = {app:String} AND audience = {audience:String} AND $n IN {columns:Array(UInt16)} $where
    AND is_complete = 1
GROUP BY $n
"""

_MOST_NAMES: Final = 10
#: No day of ClickHouse lies before it.
_EARLIEST: Final = date(1970, 1, 1)


def fetch(
    client: Client,
    app: str | None = None,
    *,
    audience: Audience = "new",
    period: Period = "daily",
    cohorts: int = 14,
    columns: Sequence[int] | None = None,
    segment: str | None = None,
    value: str | None = None,
) -> Triangle:
    """Read a triangle from the views of the database that ``client`` is connected to.

    Args:
        client: of clickhouse-connect.
        app: the app's id; may be left out when only one app has data.
        audience: cohorts of new users, or of all active ones.
        period: of the cohorts and of the offsets.
        cohorts: how many of the latest cohorts to show.
        columns: offsets to show; ``COLUMNS[period]`` when left out.
        segment: only new users by day: name of an attribute such as ``channel``.
        value: that attribute's value.

    Raises:
        NothingToReport: the app, the segment or its value has no data.
        ValueError: the arguments contradict each other.
    """
    offsets = tuple(sorted(set(COLUMNS[period] if columns is None else columns)))
    if cohorts < 1 or not offsets or offsets[0] < 0:
        raise ValueError("a triangle needs at least one cohort, and columns of 0 or more")
    if segment is None and value is not None:
        raise ValueError(f"the value {plain(value)!r} needs the segment that it belongs to")
    if segment is not None and (audience, period) != ("new", "daily"):
        raise ValueError("segments cut the daily retention of new users only")
    known: dict[str, date] = {str(row[0]): row[1] for row in client.query(_APPS).result_rows}
    app_id = _choose_app(app, list(known))
    today = known[app_id]
    # Offset 0 is always there, so that a cohort too young for every column still gets its row.
    parameters: dict[str, Any] = {"app": app_id, "audience": audience, "columns": [0, *offsets], "today": today}
    source, where, since = _SOURCES[period], "", _first_start(period, today, cohorts)
    if segment is not None:
        source, where = _BY_SEGMENT, "AND segment = {segment:String} AND value = {value:String}"
        parameters |= {"segment": segment, "value": value}
        values = [str(row[0]) for row in client.query(_VALUES, {"app": app_id, "segment": segment}).result_rows]
        _check_value(segment, value, values)
        since = client.query(_FIRST_OF_SEGMENT, parameters | {"cohorts": cohorts}).result_rows[0][0]
    parameters["since"] = since
    rows = client.query(_fill(_CELLS, source, where), parameters).result_rows
    if not rows:
        raise NothingToReport(f"app {plain(app_id)!r} has no {audience} users yet")
    parameters["since"] = rows[0][0]
    pooled = client.query(_fill(_POOLED, source, where), parameters).result_rows
    return Triangle(
        app_id=app_id,
        audience=audience,
        period=period,
        columns=offsets,
        cohorts=_cohorts(rows),
        pooled={row[0]: row[1] for row in pooled if row[1] is not None},
        pooled_all={row[0]: row[2] for row in pooled if row[2] is not None},
        segment=segment,
        value=value,
    )


def _fill(sql: str, source: _Source, where: str) -> str:
    """Put names of this module into ``sql``. What the caller asked for is bound by ClickHouse and never comes here."""
    for mark, text in (("$view", source.view), ("$start", source.start), ("$begins", source.begins), ("$n", source.n)):
        sql = sql.replace(mark, text)
    return sql.replace("$where", where)


def _first_start(period: Period, today: date, cohorts: int) -> date:
    """Start of the first of the latest ``cohorts`` cohorts, of which there is one for each period."""
    if period == "monthly":
        months = max(today.year * 12 + today.month - cohorts, _EARLIEST.year * 12)
        return date(months // 12, months % 12 + 1, 1)
    latest = today if period == "daily" else today - timedelta(today.weekday())
    days = (cohorts - 1) * (1 if period == "daily" else 7)
    return latest - timedelta(min(days, (latest - _EARLIEST).days))


def _choose_app(app: str | None, known: list[str]) -> str:
    if not known:
        raise NothingToReport("there is no data yet: no event has been counted")
    if app is None:
        if len(known) > 1:
            raise NothingToReport(f"several apps have data, choose one: {_names(known)}")
        return known[0]
    if app not in known:
        raise NothingToReport(f"app {plain(app)!r} has no data; apps with data: {_names(known)}")
    return app


def _check_value(segment: str, value: str | None, values: list[str]) -> None:
    if not values:
        raise NothingToReport(f"segment {plain(segment)!r} has no data; the app's settings name its segments")
    if value is None:
        raise NothingToReport(f"choose a value of segment {plain(segment)!r}: {_names(values)}")
    if value not in values:
        raise NothingToReport(f"no new user has {plain(segment)} {plain(value)!r}; values with users: {_names(values)}")


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name) or "''" for name in names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def _cohorts(rows: Sequence[Sequence[Any]]) -> tuple[Cohort, ...]:
    """Cohorts in order, of rows ordered by start: (start, n, cohort users, retained users, rate, is complete)."""
    cells: dict[date, dict[int, Cell]] = {}
    sizes: dict[date, int] = {}
    for start, n, users, retained, rate, complete in rows:
        sizes[start] = users
        cells.setdefault(start, {})[n] = Cell(retained, rate, bool(complete))
    return tuple(Cohort(start, users, cells[start]) for start, users in sizes.items())
