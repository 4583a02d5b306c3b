-- The shape of WeChat's daily visit retain: value is the size of the cohort at key 0 and a count at the other keys.
CREATE OR REPLACE VIEW wechat_daily_retain
(
    app_id       LowCardinality(String),
    ref_date     String                                COMMENT 'yyyymmdd',
    visit_uv_new Array(Tuple(key UInt16, value UInt64)) COMMENT 'New users; keys 0 to 7, 14 and 30 days, those that have come',
    visit_uv     Array(Tuple(key UInt16, value UInt64)) COMMENT 'Active users, same keys'
)
AS
SELECT
    days.app_id AS app_id,
    formatDateTime(days.date, '%Y%m%d') AS ref_date,
    CAST(arrayMap(key -> (key, new.users[key + 1]), days.keys), 'Array(Tuple(key UInt16, value UInt64))') AS visit_uv_new,
    CAST(arrayMap(key -> (key, active.users[key + 1]), days.keys), 'Array(Tuple(key UInt16, value UInt64))') AS visit_uv
FROM
(
    SELECT
        app_id,
        date,
        arrayFilter(key -> date + key <= today, [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]) AS keys
    FROM internal_calendar
) AS days
LEFT JOIN (SELECT * FROM internal_cohorts WHERE family = 'new_daily') AS new
    ON new.app_id = days.app_id AND new.start = days.date
LEFT JOIN (SELECT * FROM internal_cohorts WHERE family = 'active_daily') AS active
    ON active.app_id = days.app_id AND active.start = days.date
COMMENT 'Daily retention in the shape of WeChat''s datacube';
