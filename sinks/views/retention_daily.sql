-- Of the users of a day, how many were active exactly day_n days later. Dense: a day without users has rows too.
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
        grid.app_id AS app_id,
        grid.audience AS audience,
        grid.date AS cohort_date,
        grid.today AS today,
        grid.complete_through AS complete_through,
        arrayResize(cohorts.users, if(audience = 'new', greatest(31, least(366, today - cohort_date + 1)), 31)) AS counts
    FROM
    (
        SELECT
            *,
            arrayJoin(['new', 'active']) AS audience
        FROM internal_calendar
    ) AS grid
    LEFT JOIN
    (
        SELECT
            app_id,
            start,
            users,
            if(family = 'new_daily', 'new', 'active') AS audience
        FROM internal_cohorts
        WHERE family IN ('new_daily', 'active_daily')
    ) AS cohorts ON cohorts.app_id = grid.app_id AND cohorts.audience = grid.audience AND cohorts.start = grid.date
)
ARRAY JOIN
    counts AS retained,
    arrayEnumerate(counts) AS position
COMMENT 'Daily retention of new and of active users';
