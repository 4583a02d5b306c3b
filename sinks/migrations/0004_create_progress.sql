-- How far each input partition has been read. `today` and `is_complete` of every view come from here.
--
-- Key     (epoch, topic, partition).
-- Engine  ReplacingMergeTree(version): counters are absolute, since the partition's first offset.
CREATE TABLE IF NOT EXISTS progress
(
    epoch      UInt32,
    topic      LowCardinality(String),
    partition  UInt16,
    offset     UInt64                COMMENT 'Next offset to read',
    watermark  Nullable(Date)        COMMENT 'Latest local day seen; NULL before the first event',
    at_end     Bool                  COMMENT 'Read to its end: it stands at the latest watermark of all',
    consumed   UInt64                COMMENT 'consumed = accepted + duplicate + late + future + invalid + rekeyed',
    accepted   UInt64,
    duplicate  UInt64,
    late       UInt64,
    future     UInt64,
    invalid    UInt64,
    rekeyed    UInt64                COMMENT 'Sent on under their right key, and counted there',
    version    UInt64,
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was written, by the clock of ClickHouse'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (epoch, topic, partition)
COMMENT 'Offset, watermark and counters of each input partition';
