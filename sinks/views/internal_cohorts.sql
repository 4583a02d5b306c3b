-- One row per cohort: users[n + 1] is the cell (start, n). Offsets without a cell are 0, and so is every element beyond the
-- end, which makes a dense triangle an ARRAY JOIN instead of a join per cell.
CREATE OR REPLACE VIEW internal_cohorts
(
    family  LowCardinality(String),
    app_id  LowCardinality(String),
    start   Date,
    segment LowCardinality(String),
    value   String,
    users   Array(UInt64)
)
AS
SELECT
    family,
    app_id,
    start,
    segment,
    value,
    groupArrayInsertAt(users, n) AS users
FROM internal_cells
GROUP BY
    family,
    app_id,
    start,
    segment,
    value
COMMENT 'Cohorts as arrays over n';
