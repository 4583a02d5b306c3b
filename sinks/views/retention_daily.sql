-- Of the users of a day, how many were active exactly day_n days later. Dense: a day without users has rows too.
--
-- Every row is made by grouping cells together with the rows of the calendar, which fill the gaps. Filters on app_id,
-- audience and cohort_date are filters on the keys of that grouping, so they reach the primary key of `cells`, and a query
-- reads the cells of its own cohorts however many others there are. Sources are read here once and not through other views,
-- because planning nested views takes longer than reading the cells.
CREATE OR REPLACE VIEW retention_daily
(
    app_id         LowCardinality(String),
    audience       String            COMMENT 'new: their first day is cohort_date, day_n 0 to 365; active: day_n 0 to 30',
    cohort_date    Date              COMMENT 'Local day of the app',
    day_n          UInt16            COMMENT 'Offset in days: the day after is 1; 31 and more only once that day has come',
    cohort_users   UInt64            COMMENT 'Size of the cohort',
    retained_users UInt64            COMMENT 'Of the cohort, active on exactly cohort_date + day_n; 0 while that day has not come',
    retention_rate Nullable(Float64) COMMENT 'NULL for an empty cohort; to pool, divide sum(retained_users) by sum(cohort_users)',
    is_complete    UInt8             COMMENT '1 when no accepted event can change the row any more'
)
AS
WITH
    (SELECT epoch FROM internal_epoch) AS current,
    (SELECT (today, settled) FROM internal_clock) AS clock,
    assumeNotNull(clock.1) AS today
SELECT
    app_id,
    audience,
    cohort_date,
    toUInt16(position - 1) AS day_n,
    counts[1] AS cohort_users,
    if(cohort_date + day_n <= today, retained, 0) AS retained_users,
    retained_users / nullIf(cohort_users, 0) AS retention_rate,
    ifNull(cohort_date + day_n <= complete_through, 0) AS is_complete
FROM
(
    SELECT
        app_id,
        audience,
        cohort_date,
        clock.2 - (max(lateness) + 1) AS complete_through,
        arrayResize(
            groupArrayInsertAtIf(users, n, users > 0),
            if(audience = 'new', greatest(31, least(366, today - cohort_date + 1)), 31)
        ) AS counts
    FROM
    (
        SELECT
            app_id,
            'new' AS audience,
            start AS cohort_date,
            n,
            sum(users) AS users,
            toUInt16(0) AS lateness,
            0 AS listed
        FROM cells FINAL
        WHERE epoch = current AND family = 'new_daily'
        GROUP BY app_id, start, n

        UNION ALL

        SELECT
            app_id,
            'active' AS audience,
            start AS cohort_date,
            n,
            sum(users) AS users,
            toUInt16(0) AS lateness,
            0 AS listed
        FROM cells FINAL
        WHERE epoch = current AND family = 'active_daily'
        GROUP BY app_id, start, n

        UNION ALL

        SELECT
            earliest.app_id AS app_id,
            arrayJoin(['new', 'active']) AS audience,
            arrayJoin(arrayMap(i -> first_date + i, range(toUInt32(greatest(today - first_date + 1, 0))))) AS cohort_date,
            toUInt16(0) AS n,
            toUInt64(0) AS users,
            apps.allowed_lateness AS lateness,
            1 AS listed
        FROM
        (
            SELECT
                app_id,
                min(start) AS first_date
            FROM cells
            WHERE epoch = current AND family = 'new_daily' AND n = 0 AND users > 0
            GROUP BY app_id
        ) AS earliest
        INNER JOIN (SELECT app_id, allowed_lateness FROM apps FINAL WHERE epoch = current) AS apps
            ON apps.app_id = earliest.app_id
        WHERE clock.1 IS NOT NULL
    )
    GROUP BY app_id, audience, cohort_date
    HAVING max(listed) = 1
)
ARRAY JOIN
    counts AS retained,
    arrayEnumerate(counts) AS position
COMMENT 'Daily retention of new and of active users';
