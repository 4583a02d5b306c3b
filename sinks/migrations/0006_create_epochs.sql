-- Which epoch the views show: the one that was switched to last. One INSERT switches.
--
-- Key     epoch.
-- Engine  ReplacingMergeTree(switched_at): only the last switch to an epoch counts.
CREATE TABLE IF NOT EXISTS epochs
(
    epoch       UInt32,
    switched_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(switched_at)
ORDER BY epoch
COMMENT 'Switches of the epoch that views show';
