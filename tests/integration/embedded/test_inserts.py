"""INSERT over HTTP: the data reach the table byte for byte, whatever surrounds them."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import lz4.frame
import pytest
import zstandard

from tests.integration.embedded.web import Answer, Web


@pytest.fixture(autouse=True)
def table(web: Web) -> None:
    web.run("CREATE TABLE t (n UInt32, s String) ENGINE = MergeTree ORDER BY n")


def rows(web: Web) -> str:
    return web.run("SELECT n, s FROM t ORDER BY n, s")


def written(answer: Answer) -> int:
    assert answer.status == 200, answer.body
    return int(json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"])


def test_data_in_the_body_with_the_statement_in_the_address(web: Web) -> None:
    data = '{"n": 1, "s": "a;b"}\n\n{"n": 2, "s": "FORMAT CSV"}\n'
    assert written(web.post(data, query="INSERT INTO t FORMAT JSONEachRow")) == 2
    assert rows(web) == "1\ta;b\n2\tFORMAT CSV\n"


def test_data_and_statement_both_in_the_body(web: Web) -> None:
    assert written(web.post('INSERT INTO t FORMAT CSV\n1,"two\nlines"\n2,b\n')) == 2
    assert rows(web) == "1\ttwo\\nlines\n2\tb\n"


def test_data_and_statement_both_in_the_address(web: Web) -> None:
    assert written(web.post("", query="INSERT INTO t VALUES (1, 'a'), (2, 'b');")) == 2
    assert rows(web) == "1\ta\n2\tb\n"


def test_values_may_be_expressions_and_take_parameters(web: Web) -> None:
    web.run("INSERT INTO t VALUES (1 + 1, upper('a'))")
    web.run("INSERT INTO t VALUES ({n:UInt32}, {s:String})", param_n="3", param_s="it's")
    assert rows(web) == "2\tA\n3\tit\\'s\n"


def test_a_parameter_may_name_the_table(web: Web) -> None:
    assert written(web.post("1\ta\n", query="INSERT INTO {table:Identifier} FORMAT TSV", param_table="t")) == 1


def test_comments_settings_and_columns_may_stand_before_the_format(web: Web) -> None:
    head = "/* FORMAT x */ INSERT -- VALUES\n INTO t (s, n)\n SETTINGS async_insert = 0 FORMAT TSV"
    assert written(web.post("a\t1\n", query=head)) == 1
    assert rows(web) == "1\ta\n"


def test_binary_data_arrive_byte_for_byte(web: Web) -> None:
    text = bytes(range(256))[:-1] + b"\nINSERT INTO t FORMAT CSV;--'"
    size = len(text)
    row = (1).to_bytes(4, "little") + bytes([size & 0x7F | 0x80, size >> 7]) + text
    assert written(web.post(b"INSERT INTO t FORMAT RowBinary\n" + row)) == 1
    assert web.run("SELECT hex(s) FROM t").strip() == text.hex().upper()


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("lz4", lz4.frame.compress), ("zstd", zstandard.compress)]
)
def test_the_body_may_be_compressed(web: Web, encoding: str, compress: object) -> None:
    assert callable(compress)
    sent = compress(b"1\ta\n2\tb\n")
    answer = web.post(sent, {"Content-Encoding": encoding}, query="INSERT INTO t FORMAT TSV")
    assert written(answer) == 2


def test_a_large_insert_is_whole(web: Web) -> None:
    count = 1_000_000
    data = b"".join(b"%d\tevent-%d\n" % (n, n) for n in range(count))
    assert written(web.post(data, query="INSERT INTO t FORMAT TSV")) == count
    assert web.run("SELECT count(), sum(n), uniqExact(s) FROM t") == f"{count}\t{count * (count - 1) // 2}\t{count}\n"


def test_inserts_at_once_are_all_kept(web: Web) -> None:
    def insert(batch: int) -> int:
        data = "".join(f"{batch * 100 + n}\tx\n" for n in range(100))
        return written(web.post(data, query="INSERT INTO t FORMAT TSV"))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(insert, range(40))) == 4000
    assert web.run("SELECT count(), uniqExact(n) FROM t") == "4000\t4000\n"


def test_an_insert_from_a_query_works(web: Web) -> None:
    assert written(web.post("INSERT INTO t SELECT number, 'x' FROM numbers(5)")) == 5


def test_a_bad_row_is_refused_and_the_next_insert_works(web: Web) -> None:
    refusal = web.post('{"n": 1}\n{"n": oops}\n', query="INSERT INTO t FORMAT JSONEachRow")
    assert refusal.status == 400
    assert written(web.post('{"n": 2, "s": ""}', query="INSERT INTO t FORMAT JSONEachRow")) == 1


def test_an_insert_without_rows_writes_none(web: Web) -> None:
    assert written(web.post("", query="INSERT INTO t FORMAT JSONEachRow")) == 0


def test_a_form_brings_external_tables(web: Web) -> None:
    parts = b'--x\r\nContent-Disposition: form-data; name="ids"; filename="ids"\r\n\r\n3\n4\n\r\n--x--\r\n'
    address = {"query": "SELECT sum(id) FROM ids", "ids_structure": "id UInt8", "ids_format": "TSV"}
    answer = web.send("POST", "/?" + urlencode(address), parts, {"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.body == b"7\n"
