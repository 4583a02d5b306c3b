-- Counts of users, one row per cell and input partition. Everything that is not about one user is read from here.
--
-- Key     (epoch, family, app_id, start, n, segment, value, partition): a view asks for one family of one epoch, mostly for
--         some apps and dates, so it reads one narrow range of the primary key.
-- Engine  ReplacingMergeTree(version): `users` is the absolute count, never an increment, so a row that is written twice,
--         late, or by a worker that was cut off changes nothing. Of equal versions the last insert wins.
-- Parts   by epoch: FINAL merges within one epoch, and a finished epoch is dropped as one partition. A row never changes
--         its epoch, so its versions always meet.
CREATE TABLE IF NOT EXISTS cells
(
    epoch     UInt32                 COMMENT 'Rules under which the row was computed',
    family    LowCardinality(String) COMMENT 'new_daily, active_daily, new_weekly, active_weekly, new_monthly, active_monthly, unbounded, wau, mau, histogram_7, histogram_28, streak_activity, streak_check_in or new_daily_segment',
    app_id    LowCardinality(String),
    start     Date                   COMMENT 'Cohort day, Monday or first of the month; for wau, mau, histograms and streaks the last day of the window',
    n         UInt16                 COMMENT 'Offset in days, weeks or months; for histograms active days; for streaks the length',
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
