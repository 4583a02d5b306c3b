-- Of the new users of a day, how many came back day_n days later or on any later day, up to a year after their first day.
CREATE OR REPLACE VIEW retention_unbounded
(
    app_id         LowCardinality(String),
    cohort_date    Date              COMMENT 'First day of the users, local to the app',
    day_n          UInt16            COMMENT 'Offset in days, 0 to 365; 31 and more only once that day has come',
    cohort_users   UInt64            COMMENT 'Size of the cohort',
    retained_users UInt64            COMMENT 'Of the cohort, active on at least one day from cohort_date + day_n to cohort_date + 365',
    retention_rate Nullable(Float64) COMMENT 'retained_users / cohort_users; NULL for an empty cohort',
    is_complete    UInt8             COMMENT '1 once the whole year after cohort_date is complete: until then every return changes it'
)
AS
SELECT
    app_id,
    cohort_date,
    toUInt16(position - 1) AS day_n,
    counts[1] AS cohort_users,
    if(cohort_date + day_n <= today, retained, 0) AS retained_users,
    retained_users / nullIf(cohort_users, 0) AS retention_rate,
    ifNull(cohort_date + 365 <= complete_through, 0) AS is_complete
FROM
(
    SELECT
        calendar.app_id AS app_id,
        calendar.date AS cohort_date,
        calendar.today AS today,
        calendar.complete_through AS complete_through,
        arrayResize(cohorts.users, greatest(31, least(366, today - cohort_date + 1))) AS counts
    FROM internal_calendar AS calendar
    LEFT JOIN
    (
        SELECT
            app_id,
            start,
            users
        FROM internal_cohorts
        WHERE family = 'unbounded'
    ) AS cohorts ON cohorts.app_id = calendar.app_id AND cohorts.start = calendar.date
)
ARRAY JOIN
    counts AS retained,
    arrayEnumerate(counts) AS position
COMMENT 'Unbounded retention of new users: on that day or any later one';
