-- One row: the time of the pipeline, taken from what it has read and never from a wall clock.
--
-- A partition that is read to its end holds nothing up: it counts as standing at the latest watermark of all. A partition
-- that is not, and has seen no event yet, may still bring any day, so that nothing is settled.
CREATE OR REPLACE VIEW internal_clock
(
    today   Nullable(Date) COMMENT 'Latest watermark of all partitions; NULL before the first event',
    settled Nullable(Date) COMMENT 'Watermark that every partition has reached; NULL while one may be anywhere'
)
AS
SELECT
    max(watermark) AS today,
    if(countIf(watermark IS NULL AND NOT at_end) > 0, NULL, ifNull(minIf(watermark, NOT at_end), max(watermark))) AS settled
FROM progress FINAL
WHERE epoch = (SELECT epoch FROM internal_epoch)
COMMENT 'Today, and how far all partitions have come';
