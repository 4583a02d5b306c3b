-- Of the users of a natural month, how many were active at any time in the month period_n months later.
CREATE OR REPLACE VIEW retention_monthly
(
    app_id         LowCardinality(String),
    audience       String            COMMENT 'new: users whose first day is in the month; active: users active in it',
    cohort_start   Date              COMMENT 'First day of the cohort''s month',
    period_n       UInt16            COMMENT 'Offset in months, 0 to 12',
    cohort_users   UInt64            COMMENT 'Size of the cohort',
    retained_users UInt64            COMMENT 'Of the cohort, active in that month; 0 while it has not begun',
    retention_rate Nullable(Float64) COMMENT 'retained_users / cohort_users; NULL for an empty cohort',
    is_complete    UInt8             COMMENT '1 when no accepted event can change the row any more'
)
AS
SELECT
    app_id,
    audience,
    cohort_start,
    toUInt16(position - 1) AS period_n,
    counts[1] AS cohort_users,
    if(addMonths(cohort_start, period_n) <= today, retained, 0) AS retained_users,
    retained_users / nullIf(cohort_users, 0) AS retention_rate,
    ifNull(addMonths(cohort_start, period_n + 1) - 1 <= complete_through, 0) AS is_complete
FROM
(
    SELECT
        grid.app_id AS app_id,
        grid.audience AS audience,
        grid.month AS cohort_start,
        grid.today AS today,
        grid.complete_through AS complete_through,
        arrayResize(cohorts.users, 13) AS counts
    FROM
    (
        SELECT DISTINCT
            app_id,
            toStartOfMonth(date) AS month,
            today,
            complete_through,
            arrayJoin(['new', 'active']) AS audience
        FROM internal_calendar
    ) AS grid
    LEFT JOIN
    (
        SELECT
            app_id,
            start,
            users,
            if(family = 'new_monthly', 'new', 'active') AS audience
        FROM internal_cohorts
        WHERE family IN ('new_monthly', 'active_monthly')
    ) AS cohorts ON cohorts.app_id = grid.app_id AND cohorts.audience = grid.audience AND cohorts.start = grid.month
)
ARRAY JOIN
    counts AS retained,
    arrayEnumerate(counts) AS position
COMMENT 'Monthly retention of new and of active users';
