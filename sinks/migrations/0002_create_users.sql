-- What is known of one user: what user_activity needs and no more.
--
-- Key     (epoch, app_id, user_id): looking up one user reads one granule; listing an app reads one range. The partition is
--         not in the key, because a user lives in one partition for a whole epoch.
-- Engine  ReplacingMergeTree(version): the row is the user's whole state, absolute.
-- Parts   by epoch, as in cells.
CREATE TABLE IF NOT EXISTS users
(
    epoch                   UInt32,
    app_id                  LowCardinality(String),
    user_id                 String,
    partition               UInt16,
    first_date              Date                   COMMENT 'First active day',
    last_date               Date                   COMMENT 'Last active day',
    active_mask             UInt32                 COMMENT 'Bit i: active on last_date - i',
    streak_start            Date                   COMMENT 'First day of the run of active days that ends on last_date',
    longest_streak          UInt16                 COMMENT 'Days of the longest run of active days, ever',
    last_check_in           Nullable(Date)         COMMENT 'Last day with a check-in',
    check_in_mask           UInt32                 COMMENT 'Bit i: checked in on last_check_in - i',
    check_in_start          Nullable(Date)         COMMENT 'First day of the run of check-in days that ends on last_check_in',
    longest_check_in_streak UInt16                 COMMENT 'Days of the longest run of check-in days, ever',
    scene                   LowCardinality(String) COMMENT 'Attributes are those of the earliest qualifying event; empty when absent',
    platform                LowCardinality(String),
    app_version             LowCardinality(String),
    channel                 LowCardinality(String),
    campaign                LowCardinality(String),
    variant                 LowCardinality(String),
    city                    LowCardinality(String),
    district                LowCardinality(String),
    inviter_id              String,
    version                 UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, app_id, user_id)
COMMENT 'Activity, check-ins and first attributes of one user';
