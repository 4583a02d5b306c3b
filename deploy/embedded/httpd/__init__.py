"""ClickHouse's HTTP interface: what a request says, and what the answer looks like."""
