-- Distinct active users in the 1, 7 and 30 days that end on a day.
-- A day without cells counts 0 whatever the reader's join_use_nulls is.
CREATE OR REPLACE VIEW active_users
(
    app_id      LowCardinality(String),
    date        Date              COMMENT 'Local day of the app',
    dau         UInt64            COMMENT 'Users active on date',
    wau         UInt64            COMMENT 'Users active on at least one of the 7 days ending on date',
    mau         UInt64            COMMENT 'Users active on at least one of the 30 days ending on date',
    new_users   UInt64            COMMENT 'Users whose first day is date',
    stickiness  Nullable(Float64) COMMENT 'dau / mau; NULL when mau is 0',
    is_complete UInt8             COMMENT '1 when no accepted event can change the row any more'
)
AS
SELECT
    calendar.app_id AS app_id,
    calendar.date AS date,
    ifNull(days.dau, 0) AS dau,
    ifNull(days.wau, 0) AS wau,
    ifNull(days.mau, 0) AS mau,
    ifNull(days.new, 0) AS new_users,
    days.dau / nullIf(days.mau, 0) AS stickiness,
    ifNull(calendar.date <= calendar.complete_through, 0) AS is_complete
FROM internal_calendar AS calendar
LEFT JOIN internal_days AS days ON days.app_id = calendar.app_id AND days.date = calendar.date
COMMENT 'DAU, WAU, MAU, new users and stickiness per day';
