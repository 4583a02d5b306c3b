"""The pure core: calendar, user state and its fold, streaks, contributions to cells.

Knows nothing of Faust, Kafka, ClickHouse or the clock; time is a parameter.
"""
