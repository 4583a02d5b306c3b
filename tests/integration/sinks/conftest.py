import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import uuid4

import pytest

from sinks.client import Client, connect
from sinks.migrate import migrate
from sinks.upsert import ClickHouseSink
from tests.integration.sinks.world import World


class Server(Protocol):
    """What these tests use of the session's ClickHouse."""

    @property
    def url(self) -> str: ...


@pytest.fixture
def url(clickhouse: Server) -> str:
    return clickhouse.url


@contextmanager
def new_database(url: str) -> Iterator[Client]:
    client = connect(url, "default", "", f"sinks_{uuid4().hex[:12]}")
    yield client
    client.command(f"DROP DATABASE IF EXISTS {client.database}", use_database=False)
    client.close()


@pytest.fixture
def bare(url: str) -> Iterator[Client]:
    """A client of a database that does not exist yet; every test has its own."""
    with new_database(url) as client:
        yield client


@pytest.fixture
def client(bare: Client) -> Client:
    """A client of a migrated, empty database that shows epoch 1."""
    migrate(bare, 1)
    return bare


@pytest.fixture(scope="module")
def untouched(clickhouse: Server) -> Iterator[Client]:
    """A migrated, empty database for the tests of one module that only read."""
    with new_database(clickhouse.url) as client:
        migrate(client, 1)
        yield client


@pytest.fixture
def world(client: Client, url: str) -> Iterator[World]:
    sink = ClickHouseSink(url, "default", "", str(client.database))
    yield World(client, sink)
    asyncio.run(sink.close())
