"""Kafka and ClickHouse without Docker, root or a download beyond pip: for trying out, developing and testing."""
