-- Of the users of a week (Monday to Sunday), how many were active at any time in the week period_n weeks later.
CREATE OR REPLACE VIEW retention_weekly
(
    app_id         LowCardinality(String),
    audience       String            COMMENT 'new: their first day is in the week, period_n 0 to 52; active: period_n 0 to 12',
    cohort_start   Date              COMMENT 'Monday of the cohort''s week',
    period_n       UInt16            COMMENT 'Offset in weeks; 13 and more only once that week has begun',
    cohort_users   UInt64            COMMENT 'Size of the cohort',
    retained_users UInt64            COMMENT 'Of the cohort, active in that week; 0 while it has not begun',
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
    if(cohort_start + 7 * period_n <= today, retained, 0) AS retained_users,
    retained_users / nullIf(cohort_users, 0) AS retention_rate,
    ifNull(cohort_start + 7 * period_n + 6 <= complete_through, 0) AS is_complete
FROM
(
    SELECT
        grid.app_id AS app_id,
        grid.audience AS audience,
        grid.monday AS cohort_start,
        grid.today AS today,
        grid.complete_through AS complete_through,
        arrayResize(cohorts.users, if(audience = 'new', greatest(13, least(53, intDiv(today - cohort_start, 7) + 1)), 13)) AS counts
    FROM
    (
        SELECT DISTINCT
            app_id,
            toMonday(date) AS monday,
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
            if(family = 'new_weekly', 'new', 'active') AS audience
        FROM internal_cohorts
        WHERE family IN ('new_weekly', 'active_weekly')
    ) AS cohorts ON cohorts.app_id = grid.app_id AND cohorts.audience = grid.audience AND cohorts.start = grid.monday
)
ARRAY JOIN
    counts AS retained,
    arrayEnumerate(counts) AS position
COMMENT 'Weekly retention of new and of active users';
