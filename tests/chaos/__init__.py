"""A soak: workers, broker and ClickHouse fail at random under a stream, and the tables are held against brute force."""
