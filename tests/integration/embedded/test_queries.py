"""Queries over HTTP: what curl and BI tools send, and the headers they read."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import lz4.frame
import pytest
import zstandard

from tests.integration.embedded.web import Web


def test_ping_and_the_root_without_a_query_say_ok(web: Web) -> None:
    assert web.send("GET", "/ping").body == b"Ok.\n"
    assert web.send("GET", "/").body == b"Ok.\n"


def test_an_unknown_path_is_not_found(web: Web) -> None:
    answer = web.send("GET", "/nothing?query=SELECT+1")
    assert answer.status == 404
    assert b"/nothing" in answer.body


def test_the_query_may_be_in_the_address_in_the_body_or_in_both(web: Web) -> None:
    assert web.get("SELECT 1").body == b"1\n"
    assert web.post("SELECT 2").body == b"2\n"
    assert web.post("+ 2", query="SELECT 1").body == b"3\n"
    assert web.send("POST", "/query?query=SELECT%204", b"").body == b"4\n"


def test_the_format_is_the_clause_else_the_parameter_else_the_header_else_tab_separated(web: Web) -> None:
    assert web.get("SELECT 1 AS x, 'a' AS y").body == b"1\ta\n"
    assert web.get("SELECT 1 AS x", default_format="JSONEachRow").body == b'{"x":1}\n'
    assert web.post("SELECT 1 AS x", {"X-ClickHouse-Format": "CSVWithNames"}).body == b'"x"\n1\n'
    assert web.get("SELECT 1 AS x FORMAT CSV", default_format="JSONEachRow").body == b"1\n"
    assert web.get("SELECT 1 AS x FORMAT JSONEachRow;").headers["X-ClickHouse-Format"] == "JSONEachRow"


def test_an_answer_has_the_headers_of_clickhouse(web: Web) -> None:
    headers = web.get("SELECT number FROM numbers(10) FORMAT JSON", query_id="my-query").headers
    assert headers["X-ClickHouse-Query-Id"] == "my-query"
    assert headers["X-ClickHouse-Format"] == "JSON"
    assert headers["X-ClickHouse-Timezone"]
    assert headers["Content-Type"] == "application/json; charset=UTF-8"
    summary = json.loads(headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"], summary["result_rows"], summary["written_rows"]) == ("10", "10", "0")


def test_an_empty_result_keeps_its_columns(web: Web) -> None:
    assert web.get("SELECT 1 AS x WHERE 0 FORMAT CSVWithNames").body == b'"x"\n'
    assert json.loads(web.get("SELECT 1 AS x LIMIT 0 FORMAT JSON").body)["meta"] == [{"name": "x", "type": "UInt8"}]


def test_parameters_fill_placeholders_of_every_kind(web: Web) -> None:
    answer = web.post(
        "SELECT {n:UInt8}, {s:String}, {d:Date}, {a:Array(String)}, {o:Nullable(String)}, {c:Identifier} "
        "FROM (SELECT 7 AS k)",
        param_n="5",
        param_s="it's\\ta 中文",
        param_d="2026-02-28",
        param_a="['x','y']",
        param_o="\\N",
        param_c="k",
    )
    assert answer.body.decode() == "5\tit\\'s\\ta 中文\t2026-02-28\t['x','y']\t\\N\t7\n"


def test_the_database_holds_for_its_request_alone(web: Web) -> None:
    assert web.get("SELECT currentDatabase()").body.decode() == web.database + "\n"
    assert web.send("GET", "/?query=SELECT+currentDatabase()").body == b"default\n"
    by_header = web.send("POST", "/", b"SELECT currentDatabase()", {"X-ClickHouse-Database": "system"})
    assert by_header.body == b"system\n"


@pytest.mark.parametrize(
    ("offered", "sent", "expand"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("lz4", "lz4", lz4.frame.decompress),
        ("gzip, zstd", "zstd", zstandard.decompress),
        ("br", None, bytes),
    ],
)
def test_the_answer_is_compressed_when_asked(web: Web, offered: str, sent: str | None, expand: object) -> None:
    query = "SELECT number FROM numbers(5000)"
    answer = web.post(query, {"Accept-Encoding": offered}, enable_http_compression="1")
    assert answer.headers.get("Content-Encoding") == sent
    assert callable(expand)
    assert expand(answer.body) == web.get(query).body


def test_the_answer_is_not_compressed_unless_asked(web: Web) -> None:
    assert web.post("SELECT 1", {"Accept-Encoding": "gzip"}).body == b"1\n"


def test_a_query_longer_than_an_address_usually_is_still_fits_it(web: Web) -> None:
    text = "x" * 100_000
    assert web.get(f"SELECT length('{text}')").body == b"100000\n"


def test_queries_at_once_do_not_mix(web: Web) -> None:
    def ask(number: int) -> tuple[int, str]:
        return number, web.run(f"SELECT {number}, getSetting('max_block_size')", max_block_size=str(1000 + number))

    with ThreadPoolExecutor(16) as pool:
        for number, answer in pool.map(ask, range(100)):
            assert answer == f"{number}\t{1000 + number}\n"


def test_ping_answers_while_every_worker_is_busy(web: Web) -> None:
    # Of one block, rows may sleep three seconds in all.
    query = "SELECT sum(sleepEachRow(0.25)) FROM numbers(20) SETTINGS max_block_size = 4"
    with ThreadPoolExecutor(6) as pool:
        slow = [pool.submit(web.get, query) for _ in range(6)]
        assert web.send("GET", "/ping").body == b"Ok.\n"
        assert not any(one.done() for one in slow)
        assert {one.result().status for one in slow} == {200}
