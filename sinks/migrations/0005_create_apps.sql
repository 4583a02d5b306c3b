-- The settings of each app that views need.
--
-- Key     (epoch, app_id): another epoch may count by other rules.
-- Engine  ReplacingMergeTree(version).
CREATE TABLE IF NOT EXISTS apps
(
    epoch              UInt32,
    app_id             LowCardinality(String),
    time_zone          LowCardinality(String) COMMENT 'IANA name; days of the app are days of this zone',
    day_cutoff_minutes UInt16                 COMMENT 'Minutes after midnight at which a day begins',
    allowed_lateness   UInt16                 COMMENT 'Days behind the watermark that an event may still change',
    milestones         Array(UInt16)          COMMENT 'Streak lengths that are rewarded, ascending',
    version            UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (epoch, app_id)
COMMENT 'Settings of each app, per epoch';
