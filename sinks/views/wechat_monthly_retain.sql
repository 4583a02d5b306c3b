-- The shape of WeChat's monthly visit retain.
CREATE OR REPLACE VIEW wechat_monthly_retain
(
    app_id       LowCardinality(String),
    ref_date     String                                COMMENT 'yyyymm',
    visit_uv_new Array(Tuple(key UInt16, value UInt64)) COMMENT 'New users; keys 0 and 1 month, those that have begun',
    visit_uv     Array(Tuple(key UInt16, value UInt64)) COMMENT 'Active users, same keys'
)
AS
SELECT
    months.app_id AS app_id,
    formatDateTime(months.month, '%Y%m') AS ref_date,
    CAST(arrayMap(key -> (key, new.users[key + 1]), months.keys), 'Array(Tuple(key UInt16, value UInt64))') AS visit_uv_new,
    CAST(arrayMap(key -> (key, active.users[key + 1]), months.keys), 'Array(Tuple(key UInt16, value UInt64))') AS visit_uv
FROM
(
    SELECT DISTINCT
        app_id,
        toStartOfMonth(date) AS month,
        arrayFilter(key -> addMonths(month, key) <= today, [0, 1]) AS keys
    FROM internal_calendar
) AS months
LEFT JOIN (SELECT * FROM internal_cohorts WHERE family = 'new_monthly') AS new
    ON new.app_id = months.app_id AND new.start = months.month
LEFT JOIN (SELECT * FROM internal_cohorts WHERE family = 'active_monthly') AS active
    ON active.app_id = months.app_id AND active.start = months.month
COMMENT 'Monthly retention in the shape of WeChat''s datacube';
