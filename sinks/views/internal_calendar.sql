-- One row per app and day, from the app's first day to today, with or without users.
CREATE OR REPLACE VIEW internal_calendar
(
    app_id           LowCardinality(String),
    date             Date,
    today            Date,
    complete_through Nullable(Date)
)
AS
SELECT
    app_id,
    arrayJoin(arrayMap(i -> first_date + i, range(toUInt32(greatest(today - first_date + 1, 0))))) AS date,
    today,
    complete_through
FROM internal_apps
COMMENT 'Every day of every app';
