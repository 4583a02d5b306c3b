import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.integration.embedded.web import Web


@pytest.fixture
def web(clickhouse: EmbeddedClickHouse, database: str) -> Web:
    """Requests to the session's ClickHouse, in this test's own database."""
    return Web(clickhouse, database)
