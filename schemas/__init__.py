"""What crosses a boundary: events, dead letters, topics, app settings and the rows of ClickHouse."""
