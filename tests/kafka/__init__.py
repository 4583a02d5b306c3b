"""Apache Kafka for tests: its jars, its nodes as processes, and the choice between it and the embedded broker."""
