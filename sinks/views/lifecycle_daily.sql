-- Where the users of a day come from, and who of yesterday stayed away.
-- active = new + retained + resurrected, and dormant = active of the day before - retained. The differences are bounded by 0
-- because a reader may come between two blocks of one large insert.
CREATE OR REPLACE VIEW lifecycle_daily
(
    app_id      LowCardinality(String),
    date        Date   COMMENT 'Local day of the app',
    active      UInt64 COMMENT 'Users active on date',
    new         UInt64 COMMENT 'First day is date',
    retained    UInt64 COMMENT 'Active on date and on the day before',
    resurrected UInt64 COMMENT 'Active on date, not on the day before, and not new',
    dormant     UInt64 COMMENT 'Active on the day before, not on date; on today it still shrinks',
    is_complete UInt8  COMMENT '1 when no accepted event can change the row any more'
)
AS
SELECT
    app_id,
    date,
    active,
    new,
    retained,
    toUInt64(greatest(active - new - retained, 0)) AS resurrected,
    toUInt64(greatest(active_before - retained, 0)) AS dormant,
    ifNull(date <= complete_through, 0) AS is_complete
FROM
(
    SELECT
        calendar.app_id AS app_id,
        calendar.date AS date,
        calendar.complete_through AS complete_through,
        ifNull(today.dau, 0) AS active,
        ifNull(today.new, 0) AS new,
        ifNull(yesterday.stayed, 0) AS retained,
        ifNull(yesterday.dau, 0) AS active_before
    FROM internal_calendar AS calendar
    LEFT JOIN internal_days AS today ON today.app_id = calendar.app_id AND today.date = calendar.date
    LEFT JOIN internal_days AS yesterday ON yesterday.app_id = calendar.app_id AND yesterday.date = calendar.date - 1
)
COMMENT 'New, retained, resurrected and dormant users per day'
