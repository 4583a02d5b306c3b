-- The ledger of applied migrations.
--
-- Key     name: one row per migration file.
-- Engine  ReplacingMergeTree(applied_at): two processes that migrate at once both record the same row.
-- Why     an applied file that was edited since, or that the code does not know, must be found before anything is written.
CREATE TABLE IF NOT EXISTS schema_migrations
(
    name       String                           COMMENT 'File name, such as 0001_create_cells.sql',
    checksum   String                           COMMENT 'SHA-256 of the file, in hexadecimal',
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
COMMENT 'Applied migrations and the checksums of their files';
