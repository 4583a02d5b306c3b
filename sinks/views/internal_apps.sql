-- One row per app that has had a user: its first day, today, and the last day on which its cells can no longer change.
--
-- The first day is read without FINAL, which would merge every cohort the app ever had. That is exact: a cell falls to 0
-- only when its users turn out to have begun earlier, so that the earliest day is also in a row that still counts.
CREATE OR REPLACE VIEW internal_apps
(
    app_id           LowCardinality(String),
    first_date       Date,
    today            Date,
    complete_through Nullable(Date) COMMENT 'A cell is complete when its last day is not after this day; NULL when none is',
    milestones       Array(UInt16)
)
AS
WITH
    (SELECT epoch FROM internal_epoch) AS current,
    (SELECT (today, settled) FROM internal_clock) AS clock
SELECT
    earliest.app_id AS app_id,
    earliest.first_date AS first_date,
    assumeNotNull(clock.1) AS today,
    clock.2 - (apps.allowed_lateness + 1) AS complete_through,
    apps.milestones AS milestones
FROM
(
    SELECT
        app_id,
        min(start) AS first_date
    FROM cells
    WHERE epoch = current AND family = 'new_daily' AND n = 0 AND users > 0
    GROUP BY app_id
) AS earliest
INNER JOIN
(
    SELECT
        app_id,
        allowed_lateness,
        milestones
    FROM apps FINAL
    WHERE epoch = current
) AS apps ON apps.app_id = earliest.app_id
WHERE clock.1 IS NOT NULL
COMMENT 'Apps with their days';
