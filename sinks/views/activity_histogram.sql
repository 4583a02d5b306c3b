-- Users by how many of the last 7 and 28 days they were active on. Users without an active day have no row.
CREATE OR REPLACE VIEW activity_histogram
(
    app_id      LowCardinality(String),
    date        Date   COMMENT 'Last day of the window, local to the app',
    window_days UInt16 COMMENT '7 or 28',
    active_days UInt16 COMMENT 'Active days in the window, 1 to window_days',
    users       UInt64 COMMENT 'Users with exactly that many'
)
AS
SELECT
    cells.app_id AS app_id,
    cells.start AS date,
    toUInt16(if(cells.family = 'histogram_7', 7, 28)) AS window_days,
    cells.n AS active_days,
    cells.users AS users
FROM internal_cells AS cells
INNER JOIN internal_apps AS apps ON apps.app_id = cells.app_id
WHERE cells.family IN ('histogram_7', 'histogram_28') AND cells.users > 0 AND cells.start <= apps.today
COMMENT 'Users by active days in the last 7 and 28 days';
