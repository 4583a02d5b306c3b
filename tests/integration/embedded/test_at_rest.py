"""Reading the data that a server left, in this process."""

from pathlib import Path

import pytest

from deploy.embedded.at_rest import query_at_rest
from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.embedded.engine.errors import ClickHouseError, DataDirError
from tests.integration.embedded.web import Web


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ``retention.t`` of two rows."""
    data = tmp_path_factory.mktemp("rest") / "data"
    with EmbeddedClickHouse(data) as server:
        web = Web(server, "default")
        web.run("CREATE DATABASE retention")
        web.run("CREATE TABLE retention.t (n UInt8, s String) ENGINE = MergeTree ORDER BY n")
        web.run("INSERT INTO retention.t VALUES (1, 'a'), (2, '中')")
    return data


def test_data_at_rest_are_read_in_the_database_retention(data: Path) -> None:
    assert query_at_rest(data, "SELECT * FROM t ORDER BY n", "TSV") == "1\ta\n2\t中\n".encode()


def test_a_format_clause_wins(data: Path) -> None:
    assert query_at_rest(data, "SELECT count() AS n FROM t FORMAT JSONEachRow", "TSV") == b'{"n":2}\n'


def test_an_error_carries_the_code_of_clickhouse(data: Path) -> None:
    with pytest.raises(ClickHouseError, match="UNKNOWN_TABLE") as error:
        query_at_rest(data, "SELECT * FROM nothing")
    assert error.value.code == 60
    with pytest.raises(ClickHouseError, match="Database nothing does not exist") as error:
        query_at_rest(data, "SELECT 1", database="nothing")
    assert error.value.code == 81


def test_a_directory_that_does_not_exist_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match=f"no data at {tmp_path}/none"):
        query_at_rest(tmp_path / "none", "SELECT 1")
    assert not (tmp_path / "none").exists()


def test_a_directory_that_a_server_holds_is_refused(data: Path) -> None:
    with EmbeddedClickHouse(data) as server, pytest.raises(DataDirError, match=f"in use by process {server.pid}"):
        query_at_rest(data, "SELECT 1")
    assert query_at_rest(data, "SELECT count() FROM t", "TSV") == b"2\n"
