"""Raw events in ClickHouse, and the triangle computed from them: what a user would do without cells."""

import json
from typing import Final

from clickhouse_connect.driver.client import Client

from tests.bench.query_cells import TODAY

__all__ = ["APP", "COHORTS", "RAW_TRIANGLES", "event_lines", "fill_events"]

APP: Final = "wx-raw"
#: Days of events; a cohort a day.
COHORTS: Final = 90
_EVENTS_PER_DAY: Final = 4
_FIRST: Final = TODAY - COHORTS + 1

_CREATE: Final = """
CREATE OR REPLACE TABLE raw_events
(
    app_id  LowCardinality(String),
    user_id String,
    event   LowCardinality(String),
    ts      DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (app_id, ts)
"""

#: Users begin evenly; one is active n days later with the chance 0.35 / n ^ 0.6. Noon of Shanghai is 04:00 UTC.
_FILL: Final = """
INSERT INTO raw_events
SELECT
    {app:String},
    concat('user', leftPad(toString(user), 12, '0')),
    'page_view',
    toDateTime64(toUInt32(({first:UInt32} + day) * 86400 + 14400 + visit * 3600 + user % 3600), 3, 'UTC') AS ts
FROM
(
    SELECT user, day
    FROM (SELECT number AS user, number % {cohorts:UInt32} AS born FROM numbers({users:UInt64}))
    ARRAY JOIN range(toUInt32(born), {cohorts:UInt32}) AS day
    WHERE day = born OR cityHash64(user, day) % 100000 < 35000 / pow(day - born, 0.6)
)
ARRAY JOIN range({visits:UInt32}) AS visit
ORDER BY ts
SETTINGS async_insert = 0
"""

_DAYS: Final = "SELECT DISTINCT user_id, toDate(ts, 'Asia/Shanghai') AS day FROM raw_events WHERE app_id = {app:String}"

#: Cohort, offset and users, for offsets up to 30, by the two usual ways of writing it.
RAW_TRIANGLES: Final = {
    "self-join": f"""
SELECT first.day AS cohort_date, toUInt16(days.day - first.day) AS day_n, count() AS retained_users
FROM ({_DAYS}) AS days
INNER JOIN (SELECT user_id, min(day) AS day FROM ({_DAYS}) GROUP BY user_id) AS first ON first.user_id = days.user_id
WHERE days.day - first.day <= 30
GROUP BY cohort_date, day_n
ORDER BY cohort_date, day_n
""",
    "arrays": """
SELECT cohort_date, toUInt16(day - cohort_date) AS day_n, count() AS retained_users
FROM
(
    SELECT groupUniqArray(toDate(ts, 'Asia/Shanghai')) AS days, arrayMin(days) AS cohort_date
    FROM raw_events
    WHERE app_id = {app:String}
    GROUP BY user_id
)
ARRAY JOIN days AS day
WHERE day - cohort_date <= 30
GROUP BY cohort_date, day_n
ORDER BY cohort_date, day_n
""",
}

_VISITS: Final = "SELECT app_id, user_id, event, toUnixTimestamp64Milli(ts) FROM raw_events ORDER BY raw_events.ts"


def fill_events(client: Client, users: int) -> None:
    """Make the table of raw events anew: ``COHORTS`` days up to ``TODAY``, four events a user-day."""
    client.command(_CREATE)
    client.command(_FILL, {"app": APP, "first": _FIRST, "cohorts": COHORTS, "users": users, "visits": _EVENTS_PER_DAY})


def event_lines(client: Client) -> list[tuple[str, str]]:
    """User and JSON of each raw event, in order of time."""
    return [
        (user, json.dumps({"event_id": f"{user}-{ts}", "app_id": app, "user_id": user, "event": event, "ts": ts}))
        for app, user, event, ts in client.query(_VISITS).result_rows
    ]
