"""What one does without a stream processor, as a contender: raw events in ClickHouse, and a query over all of them."""

from collections.abc import Mapping
from typing import Final, Self

from tests.bench.attempts import ProgramAttempt
from tests.bench.timing import best_seconds

__all__ = ["LoaderAttempt"]

_DROP: Final = "DROP TABLE IF EXISTS raw_events SYNC"
#: Sorted for the query below: it reads one app, user after user.
_TABLE: Final = """
CREATE TABLE raw_events
(
    event_id String, app_id LowCardinality(String), user_id String, event LowCardinality(String), ts UInt64,
    scene UInt32, platform LowCardinality(String), page LowCardinality(String), duration_ms UInt32,
    day Date MATERIALIZED toDate(fromUnixTimestamp64Milli(toInt64(ts)), 'Asia/Shanghai')
)
ENGINE = MergeTree ORDER BY (app_id, user_id, day)
"""
#: Of every cohort, how many came back after 0 to 30 days; an event that is there twice changes nothing.
_TRIANGLE: Final = """
SELECT cohort, toUInt16(active - cohort) AS day_n, count() AS retained FROM
(
    SELECT arrayMin(groupUniqArray(day) AS days) AS cohort, arrayJoin(days) AS active
    FROM raw_events GROUP BY app_id, user_id
)
WHERE day_n <= 30 GROUP BY cohort, day_n ORDER BY cohort, day_n
"""


class LoaderAttempt(ProgramAttempt):
    """The loader of raw events. Done is what ClickHouse has acknowledged."""

    def __enter__(self) -> Self:
        self._stage.client.command(_DROP)
        self._stage.client.command(_TABLE)
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._stage.client.command(_DROP)

    def extras(self) -> Mapping[str, float]:
        """Seconds of the retention triangle, computed from the raw events."""
        return {"triangle_s": best_seconds(lambda: self._stage.client.query(_TRIANGLE))}
