-- The counts that describe one day by itself. Days without a cell are absent, days after today may be present.
CREATE OR REPLACE VIEW internal_days
(
    app_id   LowCardinality(String),
    date     Date,
    dau      UInt64,
    wau      UInt64,
    mau      UInt64,
    new      UInt64 COMMENT 'Users whose first day it is',
    stayed   UInt64 COMMENT 'Users active on this day and on the next'
)
AS
SELECT
    app_id,
    start AS date,
    sumIf(users, family = 'active_daily' AND n = 0) AS dau,
    sumIf(users, family = 'wau') AS wau,
    sumIf(users, family = 'mau') AS mau,
    sumIf(users, family = 'new_daily' AND n = 0) AS new,
    sumIf(users, family = 'active_daily' AND n = 1) AS stayed
FROM internal_cells
WHERE family IN ('active_daily', 'wau', 'mau', 'new_daily') AND n <= 1
GROUP BY
    app_id,
    start
COMMENT 'Counts of one day';
