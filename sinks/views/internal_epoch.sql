-- One row: the epoch that every view shows, which is the one switched to last.
CREATE OR REPLACE VIEW internal_epoch
(
    epoch UInt32
)
AS
SELECT argMax(epoch, (switched_at, epoch)) AS epoch
FROM epochs
COMMENT 'The epoch that views show';
