"""Every statement that the documents show runs on a migrated database."""

from collections.abc import Iterator

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from sinks.client import Client, connect
from sinks.migrate import migrate
from sinks.scripts import statements
from tests.unit.project.documents import DOCUMENTS, blocks, commands

SHOWN = [statement for document in DOCUMENTS for block in blocks(document, "sql") for statement in statements(block)]
ASKED = [
    sql
    for document in DOCUMENTS
    for name, *arguments in commands(document)
    for sql in arguments[:1]
    if name == "query" and sql != "SQL"
]


@pytest.fixture
def client(clickhouse: EmbeddedClickHouse, database: str) -> Iterator[Client]:
    connected = connect(clickhouse.url, "default", "", database)
    migrate(connected, 1)
    yield connected
    connected.close()


@pytest.mark.parametrize("shown", [SHOWN, ASKED], ids=["blocks", "commands"])
def test_statements_shown_run(client: Client, shown: list[str]) -> None:
    assert shown
    for statement in shown:
        client.command(statement)
