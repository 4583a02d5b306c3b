-- Messages that were refused, with their original bytes.
--
-- Key     (epoch, topic, partition, offset): where the message stands in Kafka, so a replay writes the same row.
-- Engine  ReplacingMergeTree(version): as everywhere.
-- Parts   by epoch, as in cells.
CREATE TABLE IF NOT EXISTS refused
(
    epoch     UInt32,
    topic     LowCardinality(String),
    partition UInt16,
    offset    UInt64,
    reason    LowCardinality(String)  COMMENT 'invalid, late or future',
    detail    String                  COMMENT 'What is wrong with it, in words',
    key       String                  COMMENT 'Kafka key, the original bytes',
    raw       String                  COMMENT 'Kafka value, the original bytes',
    at        DateTime64(3, 'UTC')    COMMENT 'Timestamp of the Kafka record',
    version   UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, topic, partition, offset)
COMMENT 'Refused messages with reason, origin and original bytes';
