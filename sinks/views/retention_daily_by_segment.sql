-- Daily retention of new users, cut by an attribute of their first event. Only cohorts that have users have rows.
CREATE OR REPLACE VIEW retention_daily_by_segment
(
    app_id         LowCardinality(String),
    audience       String                 COMMENT 'Always new',
    segment        LowCardinality(String) COMMENT 'Name of the attribute, such as channel or platform',
    value          String                 COMMENT 'Its value at the user''s earliest qualifying event; empty when that had none',
    cohort_date    Date                   COMMENT 'First day of the users, local to the app',
    day_n          UInt16                 COMMENT 'Offset in days, 0 to 365; 31 and more only once that day has come',
    cohort_users   UInt64                 COMMENT 'Size of the cohort',
    retained_users UInt64                 COMMENT 'Of the cohort, active on exactly cohort_date + day_n; 0 while that day has not come',
    retention_rate Nullable(Float64)      COMMENT 'retained_users / cohort_users',
    is_complete    UInt8                  COMMENT '1 when no accepted event can change the row any more'
)
AS
SELECT
    app_id,
    'new' AS audience,
    segment,
    value,
    cohort_date,
    toUInt16(position - 1) AS day_n,
    counts[1] AS cohort_users,
    if(cohort_date + day_n <= today, retained, 0) AS retained_users,
    retained_users / nullIf(cohort_users, 0) AS retention_rate,
    ifNull(cohort_date + day_n <= complete_through, 0) AS is_complete
FROM
(
    SELECT
        cohorts.app_id AS app_id,
        cohorts.segment AS segment,
        cohorts.value AS value,
        cohorts.start AS cohort_date,
        apps.today AS today,
        apps.complete_through AS complete_through,
        arrayResize(cohorts.users, greatest(31, least(366, today - cohort_date + 1))) AS counts
    FROM internal_cohorts AS cohorts
    INNER JOIN internal_apps AS apps ON apps.app_id = cohorts.app_id
    WHERE cohorts.family = 'new_daily_segment' AND cohorts.users[1] > 0 AND cohorts.start <= apps.today
)
ARRAY JOIN
    counts AS retained,
    arrayEnumerate(counts) AS position
COMMENT 'Daily retention of new users by an attribute of their first event';
