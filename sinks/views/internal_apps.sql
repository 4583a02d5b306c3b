-- One row per app that has had a user: its first day, today, and the last day on which its cells can no longer change.
CREATE OR REPLACE VIEW internal_apps
(
    app_id           LowCardinality(String),
    first_date       Date,
    today            Date,
    complete_through Nullable(Date) COMMENT 'A cell is complete when its last day is not after this day; NULL when none is',
    milestones       Array(UInt16)
)
AS
SELECT
    apps.app_id AS app_id,
    earliest.first_date AS first_date,
    assumeNotNull(clock.today) AS today,
    clock.settled - (apps.allowed_lateness + 1) AS complete_through,
    apps.milestones AS milestones
FROM
(
    SELECT
        app_id,
        allowed_lateness,
        milestones
    FROM apps FINAL
    WHERE epoch = (SELECT epoch FROM internal_epoch)
) AS apps
INNER JOIN
(
    SELECT
        app_id,
        min(start) AS first_date
    FROM internal_cells
    WHERE family = 'new_daily' AND n = 0 AND users > 0
    GROUP BY app_id
) AS earliest ON earliest.app_id = apps.app_id
CROSS JOIN internal_clock AS clock
WHERE clock.today IS NOT NULL
COMMENT 'Apps with their days';
