-- Cells of the epoch in view, summed over input partitions. Filters on app_id, family and start reach the primary key.
CREATE OR REPLACE VIEW internal_cells
(
    family  LowCardinality(String),
    app_id  LowCardinality(String),
    start   Date,
    n       UInt16,
    segment LowCardinality(String),
    value   String,
    users   UInt64
)
AS
SELECT
    family,
    app_id,
    start,
    n,
    segment,
    value,
    sum(users) AS users
FROM cells FINAL
WHERE epoch = (SELECT epoch FROM internal_epoch)
GROUP BY
    family,
    app_id,
    start,
    n,
    segment,
    value
COMMENT 'Cells summed over partitions';
