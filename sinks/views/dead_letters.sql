-- Refused messages, with where they stand in Kafka and what their bytes were.
CREATE OR REPLACE VIEW dead_letters
(
    reason    LowCardinality(String) COMMENT 'invalid, late or future',
    topic     LowCardinality(String),
    partition UInt16,
    offset    UInt64,
    raw       String                 COMMENT 'Original bytes of the value; not necessarily text',
    at        DateTime64(3, 'UTC')   COMMENT 'Timestamp of the Kafka record',
    detail    String                 COMMENT 'What is wrong with it, in words',
    key       String                 COMMENT 'Original bytes of the key; not necessarily text'
)
AS
SELECT
    reason,
    topic,
    partition,
    offset,
    raw,
    at,
    detail,
    key
FROM refused FINAL
WHERE epoch = (SELECT epoch FROM internal_epoch)
COMMENT 'Refused messages with reason and origin';
