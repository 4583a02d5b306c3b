"""The client that the pipeline itself uses, over the embedded server."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from deploy.embedded.clickhouse import EmbeddedClickHouse

COLUMNS = ["n", "name", "day", "missing", "kind", "at", "many"]
ROWS = [
    [1, "a\tb\n'c'", date(2026, 2, 28), None, "x", datetime(2026, 2, 28, 23, 59, 59, 999000, tzinfo=UTC), [1, 2]],
    [2, "中文 名", date(2024, 2, 29), 3, "y", datetime(2024, 2, 29, 0, 0, tzinfo=UTC), []],
]


@pytest.fixture(params=["lz4", "zstd", "gzip", False])
def client(request: pytest.FixtureRequest, clickhouse: EmbeddedClickHouse, database: str) -> Iterator[Client]:
    client = clickhouse_connect.get_client(
        host=clickhouse.host, port=clickhouse.port, database=database, compress=request.param
    )
    client.command(
        "CREATE TABLE t (n UInt32, name String, day Date, missing Nullable(UInt8), kind LowCardinality(String), "
        "at DateTime64(3, 'UTC'), many Array(UInt16)) ENGINE = MergeTree ORDER BY n"
    )
    yield client
    client.close()


def test_rows_come_back_as_they_went_in(client: Client) -> None:
    summary = client.insert("t", ROWS, column_names=COLUMNS, settings={"async_insert": 0})
    assert summary.written_rows == 2
    result = client.query("SELECT * FROM t ORDER BY n", tz_mode="aware")
    assert list(result.column_names) == COLUMNS
    assert [list(row) for row in result.result_rows] == ROWS


def test_columns_and_arrow_may_be_inserted(client: Client) -> None:
    client.insert("t", [list(range(50_000)), ["x"] * 50_000], column_names=["n", "name"], column_oriented=True)
    client.insert_arrow("t", client.query_arrow("SELECT toUInt32(number + 50000) AS n, 'y' AS name FROM numbers(10)"))
    assert client.query("SELECT count(), uniqExact(n) FROM t").first_row == (50_010, 50_010)


def test_parameters_are_bound_by_the_server(client: Client) -> None:
    client.command("INSERT INTO t (n, name) VALUES ({n:UInt32}, {s:String})", parameters={"n": 7, "s": "it's\n\\"})
    found = client.query("SELECT n FROM t WHERE name = {s:String}", parameters={"s": "it's\n\\"})
    assert found.result_rows == [(7,)]


def test_an_empty_result_has_its_columns(client: Client) -> None:
    assert client.query("SELECT * FROM t").result_rows == []
    assert list(client.query("SELECT * FROM t LIMIT 0").column_names) == COLUMNS


def test_settings_hold_for_one_query(client: Client) -> None:
    ask = "SELECT getSetting('max_block_size')"
    usual = client.query(ask).first_row
    assert client.query(ask, settings={"max_block_size": 11}).first_row == (11,)
    assert client.query(ask).first_row == usual


def test_external_data_are_tables(client: Client) -> None:
    data = ExternalData(data=b"1\n2\n", file_name="ids", fmt="CSV", structure=["id UInt32"])
    assert client.query("SELECT sum(id) FROM ids", external_data=data).first_row == (3,)


def test_streams_are_whole(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(200000)") as stream:
        assert sum(row[0] for block in stream for row in block) == 199_999 * 100_000
    with client.raw_stream("SELECT number FROM numbers(5)", fmt="CSV") as raw:
        assert raw.read() == b"0\n1\n2\n3\n4\n"


def test_an_error_carries_its_code_and_the_client_goes_on(client: Client) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_IDENTIFIER") as error:
        client.query("SELECT nothing")
    assert error.value.code == 47
    with pytest.raises(DatabaseError, match="Cannot parse|TYPE_MISMATCH|THERE_IS_NO|NO_SUCH_COLUMN"):
        client.insert("t", [["x"]], column_names=["n"], column_type_names=["String"])
    assert client.query("SELECT 1").first_row == (1,)


async def test_the_asynchronous_client_works_too(clickhouse: EmbeddedClickHouse, database: str) -> None:
    async with await clickhouse_connect.get_async_client(
        host=clickhouse.host, port=clickhouse.port, database=database
    ) as client:
        await client.command("CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n")
        await client.insert("t", [[1], [2]], column_names=["n"])
        assert (await client.query("SELECT sum(n) FROM t")).first_row == (3,)
