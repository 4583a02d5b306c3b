-- The shape of WeChat's weekly visit retain.
CREATE OR REPLACE VIEW wechat_weekly_retain
(
    app_id       LowCardinality(String),
    ref_date     String                                COMMENT 'yyyymmdd-yyyymmdd, Monday to Sunday',
    visit_uv_new Array(Tuple(key UInt16, value UInt64)) COMMENT 'New users; keys 0 to 4 weeks, those that have begun',
    visit_uv     Array(Tuple(key UInt16, value UInt64)) COMMENT 'Active users, same keys'
)
AS
SELECT
    weeks.app_id AS app_id,
    concat(formatDateTime(weeks.monday, '%Y%m%d'), '-', formatDateTime(weeks.monday + 6, '%Y%m%d')) AS ref_date,
    CAST(arrayMap(key -> (key, new.users[key + 1]), weeks.keys), 'Array(Tuple(key UInt16, value UInt64))') AS visit_uv_new,
    CAST(arrayMap(key -> (key, active.users[key + 1]), weeks.keys), 'Array(Tuple(key UInt16, value UInt64))') AS visit_uv
FROM
(
    SELECT DISTINCT
        app_id,
        toMonday(date) AS monday,
        arrayFilter(key -> monday + 7 * key <= today, [0, 1, 2, 3, 4]) AS keys
    FROM internal_calendar
) AS weeks
LEFT JOIN (SELECT * FROM internal_cohorts WHERE family = 'new_weekly') AS new
    ON new.app_id = weeks.app_id AND new.start = weeks.monday
LEFT JOIN (SELECT * FROM internal_cohorts WHERE family = 'active_weekly') AS active
    ON active.app_id = weeks.app_id AND active.start = weeks.monday
COMMENT 'Weekly retention in the shape of WeChat''s datacube';
