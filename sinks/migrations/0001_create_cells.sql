-- Counts of users, one row per cell and input partition. Everything that is not about one user is read from here.
--
-- Key     (epoch, family, app_id, start, n, segment, value, partition): a view asks for one family of one epoch, mostly for
--         some apps and dates, so it reads one narrow range of the primary key.
-- Engine  ReplacingMergeTree(version): `users` is the absolute count, never an increment, so a row that is written twice,
--         late, or by a worker that was cut off changes nothing. Of equal versions the last insert wins.
-- Rows    family               start              n
--         new_daily            first day          days until a day of activity
--         active_daily         day of activity    days until a later one, 0 to 30
--         new_weekly, _monthly first Monday, 1st  weeks, months until one with activity; active_weekly, _monthly alike
--         unbounded            first day          days: users active on that day or later, within 365 days
--         wau, mau             last day           0
--         histogram_7, _28     last day           active days in the window
--         streak_activity      day                days of the run that goes on to that day; streak_check_in alike
--         new_daily_segment    first day          as new_daily, for each segment and value
-- Parts   by epoch: FINAL merges within one epoch, and a finished epoch is dropped as one partition. A row never changes
--         its epoch, so its versions always meet.
CREATE TABLE IF NOT EXISTS cells
(
    epoch     UInt32                 COMMENT 'Rules under which the row was computed',
    family    LowCardinality(String) COMMENT 'What is counted, such as new_daily',
    app_id    LowCardinality(String),
    start     Date                   COMMENT 'First day of the cohort''s period, or last day of the window',
    n         UInt16                 COMMENT 'Offset in periods, active days, or length of the streak',
    segment   LowCardinality(String) COMMENT 'Attribute such as channel, for new_daily_segment; else empty',
    value     String                 COMMENT 'Value of that attribute; empty when the first event had none',
    partition UInt16                 COMMENT 'Input partition that holds the users; a view sums over partitions',
    users     UInt64                 COMMENT 'Distinct users of this partition in the cell',
    version   UInt64                 COMMENT 'Sum of the next offsets of the partition in the input topics'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, family, app_id, start, n, segment, value, partition)
COMMENT 'Counts of users per cell and input partition';
