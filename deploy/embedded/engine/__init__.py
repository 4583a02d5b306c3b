"""chDB, the ClickHouse engine in this process: opened on a data directory, one statement at a time per session."""
