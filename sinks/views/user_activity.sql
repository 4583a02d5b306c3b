-- One row per user, as of today: windows, streaks, lifecycle and the attributes of the first event.
--
-- A mask has bit i set when the user was active i days before the last such day; shifted by the distance from that day to
-- today, bit i says "active i days ago". Only windows up to 30 days are read, so a shift of 32 stands for any longer one.
CREATE OR REPLACE VIEW user_activity
(
    app_id                  LowCardinality(String),
    user_id                 String,
    first_date              Date                   COMMENT 'First active day',
    last_date               Date                   COMMENT 'Last active day',
    active_days_1           UInt64                 COMMENT 'Active days in the last day, which is today',
    active_days_7           UInt64                 COMMENT 'In the last 7 days, today included',
    active_days_14          UInt64                 COMMENT 'In the last 14 days',
    active_days_30          UInt64                 COMMENT 'In the last 30 days',
    check_ins_1             UInt64                 COMMENT 'Days with a check-in in the last day, which is today',
    check_ins_7             UInt64                 COMMENT 'In the last 7 days, today included',
    check_ins_14            UInt64                 COMMENT 'In the last 14 days',
    check_ins_30            UInt64                 COMMENT 'In the last 30 days',
    streak                  UInt16                 COMMENT 'Consecutive active days up to today, or up to yesterday while today is open; else 0',
    longest_streak          UInt16                 COMMENT 'Longest run of active days ever',
    check_in_streak         UInt16                 COMMENT 'The same for days with a check-in',
    longest_check_in_streak UInt16                 COMMENT 'Longest run of days with a check-in ever',
    streak_started          Nullable(Date)         COMMENT 'First day of the streak; NULL when streak is 0',
    expires_on              Nullable(Date)         COMMENT 'Day on which the streak breaks if nothing comes; NULL when streak is 0',
    lifecycle               LowCardinality(String) COMMENT 'new, retained (also active yesterday), resurrected, dormant (yesterday only) or inactive',
    channel                 LowCardinality(String) COMMENT 'Attributes are those of the earliest qualifying event; empty when absent',
    platform                LowCardinality(String),
    scene                   LowCardinality(String),
    app_version             LowCardinality(String),
    campaign                LowCardinality(String),
    variant                 LowCardinality(String),
    city                    LowCardinality(String),
    district                LowCardinality(String),
    inviter_id              String,
    at_risk                 UInt8                  COMMENT '1 when the streak ended yesterday and today would go on with it',
    next_milestone          Nullable(UInt16)       COMMENT 'Next streak length the app rewards; NULL when all are reached',
    check_in_started        Nullable(Date)         COMMENT 'First day of the check-in streak; NULL when it is 0',
    check_in_expires_on     Nullable(Date)         COMMENT 'Day on which the check-in streak breaks if nothing comes; NULL when it is 0'
)
AS
WITH
    -- A user's own event shows that its day has come, even while the progress row is still on its way.
    assumeNotNull(
        greatest(ifNull((SELECT today FROM internal_clock), last_date), last_date, ifNull(last_check_in, last_date))
    ) AS today,
    bitShiftLeft(toUInt64(active_mask), least(today - last_date, 32)) AS active_bits,
    if(
        last_check_in IS NULL,
        0,
        bitShiftLeft(toUInt64(check_in_mask), least(today - assumeNotNull(last_check_in), 32))
    ) AS check_in_bits,
    last_date + 1 >= today AS alive,
    ifNull(last_check_in + 1 >= today, 0) AS check_in_alive
SELECT
    users.app_id AS app_id,
    users.user_id AS user_id,
    users.first_date AS first_date,
    users.last_date AS last_date,
    toUInt64(bitCount(bitAnd(active_bits, 0x1))) AS active_days_1,
    toUInt64(bitCount(bitAnd(active_bits, 0x7F))) AS active_days_7,
    toUInt64(bitCount(bitAnd(active_bits, 0x3FFF))) AS active_days_14,
    toUInt64(bitCount(bitAnd(active_bits, 0x3FFFFFFF))) AS active_days_30,
    toUInt64(bitCount(bitAnd(check_in_bits, 0x1))) AS check_ins_1,
    toUInt64(bitCount(bitAnd(check_in_bits, 0x7F))) AS check_ins_7,
    toUInt64(bitCount(bitAnd(check_in_bits, 0x3FFF))) AS check_ins_14,
    toUInt64(bitCount(bitAnd(check_in_bits, 0x3FFFFFFF))) AS check_ins_30,
    toUInt16(if(alive, last_date - streak_start + 1, 0)) AS streak,
    users.longest_streak AS longest_streak,
    toUInt16(if(check_in_alive, assumeNotNull(last_check_in - check_in_start + 1), 0)) AS check_in_streak,
    users.longest_check_in_streak AS longest_check_in_streak,
    if(alive, streak_start, NULL) AS streak_started,
    if(alive, last_date + 2, NULL) AS expires_on,
    toLowCardinality(multiIf(
        first_date = today, 'new',
        last_date = today, if(bitTest(active_mask, 1), 'retained', 'resurrected'),
        alive, 'dormant',
        'inactive'
    )) AS lifecycle,
    users.channel AS channel,
    users.platform AS platform,
    users.scene AS scene,
    users.app_version AS app_version,
    users.campaign AS campaign,
    users.variant AS variant,
    users.city AS city,
    users.district AS district,
    users.inviter_id AS inviter_id,
    last_date + 1 = today AS at_risk,
    nullIf(arrayFirst(length -> length > streak, apps.milestones), 0) AS next_milestone,
    if(check_in_alive, check_in_start, NULL) AS check_in_started,
    if(check_in_alive, last_check_in + 2, NULL) AS check_in_expires_on
FROM (SELECT * FROM users FINAL WHERE epoch = (SELECT epoch FROM internal_epoch)) AS users
LEFT JOIN (SELECT app_id, milestones FROM apps FINAL WHERE epoch = (SELECT epoch FROM internal_epoch)) AS apps
    ON apps.app_id = users.app_id
COMMENT 'Windows, streaks and lifecycle of each user, as of today';
