-- Users by the length of the run of consecutive days that ends on a day.
CREATE OR REPLACE VIEW streaks_daily
(
    app_id LowCardinality(String),
    date   Date   COMMENT 'Day on which the run ends, or goes on from; local to the app',
    kind   String COMMENT 'activity: active days; check_in: days with a check-in',
    length UInt16 COMMENT 'Days of the run up to date',
    users  UInt64 COMMENT 'Users whose run has exactly that length on date'
)
AS
SELECT
    cells.app_id AS app_id,
    cells.start AS date,
    if(cells.family = 'streak_activity', 'activity', 'check_in') AS kind,
    cells.n AS length,
    cells.users AS users
FROM internal_cells AS cells
INNER JOIN internal_apps AS apps ON apps.app_id = cells.app_id
WHERE cells.family IN ('streak_activity', 'streak_check_in') AND cells.users > 0 AND cells.start <= apps.today
COMMENT 'Users by length of streak per day';
