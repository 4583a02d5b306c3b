-- How far each input partition has been read, in every epoch: whether a new epoch has caught up is seen here, before the
-- views are switched to it.
CREATE OR REPLACE VIEW pipeline_progress
(
    epoch      UInt32               COMMENT 'All epochs; sum the counters of one only',
    topic      LowCardinality(String),
    partition  UInt16,
    offset     UInt64               COMMENT 'Next offset to read',
    watermark  Nullable(Date)       COMMENT 'Latest local day seen; NULL before the first event',
    updated_at DateTime64(3, 'UTC') COMMENT 'When this was written',
    at_end     Bool                 COMMENT 'Read to its end, so that it holds nothing up',
    consumed   UInt64               COMMENT 'consumed = accepted + duplicate + late + future + invalid + rekeyed',
    accepted   UInt64               COMMENT 'Folded into a user',
    duplicate  UInt64               COMMENT 'Repeats of an event; they changed nothing',
    late       UInt64               COMMENT 'Refused: older than the allowed lateness',
    future     UInt64               COMMENT 'Refused: more than a day ahead of the record',
    invalid    UInt64               COMMENT 'Refused: not an event by the contract',
    rekeyed    UInt64               COMMENT 'Sent on under their right key, and counted there',
    is_current Bool                 COMMENT 'Whether the views show this epoch'
)
AS
SELECT
    epoch,
    topic,
    partition,
    offset,
    watermark,
    updated_at,
    at_end,
    consumed,
    accepted,
    duplicate,
    late,
    future,
    invalid,
    rekeyed,
    toBool(ifNull(epoch = (SELECT epoch FROM internal_epoch), false)) AS is_current
FROM progress FINAL
COMMENT 'Offset, watermark and counters of each input partition';
