"""The driver's connection to the configured ClickHouse, from the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deploy.settings import Settings

if TYPE_CHECKING:
    from sinks.client import Client
    from sinks.upsert import ClickHouseSink

__all__ = ["clickhouse_client", "clickhouse_sink"]


@contextmanager
def clickhouse_client(settings: Settings) -> "Iterator[Client]":
    """A client of the configured database; its failures are ``Transient`` or ``Terminal``."""
    from sinks.client import connect, named_errors

    client = connect(
        settings.clickhouse_url,
        settings.clickhouse_user,
        settings.clickhouse_password.get_secret_value(),
        settings.clickhouse_database,
    )
    try:
        with named_errors(settings.clickhouse_url):
            yield client
    finally:
        client.close()


def clickhouse_sink(settings: Settings) -> "ClickHouseSink":
    """The sink of a worker; nothing is sent before its first write."""
    from sinks.upsert import ClickHouseSink

    return ClickHouseSink(
        settings.clickhouse_url,
        settings.clickhouse_user,
        settings.clickhouse_password.get_secret_value(),
        settings.clickhouse_database,
    )
