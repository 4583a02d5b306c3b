"""Where an INSERT's data begin, and what a GET may run, told from the SQL text alone."""

import pytest

from deploy.embedded.engine.errors import ClickHouseError, Code
from deploy.embedded.engine.statement import Insert, read_statement


def split(text: bytes) -> tuple[bytes, bytes, str]:
    insert = read_statement(text).insert
    assert isinstance(insert, Insert)
    return text[: insert.head_end], text[insert.data_start :], insert.format


@pytest.mark.parametrize(
    ("text", "head", "data", "name"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2\n", b"INSERT INTO t ", b"1,2\n", "CSV"),
        (b"insert into t format CSV 1,2", b"insert into t ", b"1,2", "CSV"),
        (b"INSERT INTO t FORMAT RowBinary\r\n\n\x00", b"INSERT INTO t ", b"\n\x00", "RowBinary"),
        (b"INSERT INTO t FORMAT RowBinary\n;--'\xff(", b"INSERT INTO t ", b";--'\xff(", "RowBinary"),
        (b"INSERT INTO t VALUES (1), ('FORMAT CSV')", b"INSERT INTO t ", b"(1), ('FORMAT CSV')", "Values"),
        (b"INSERT INTO t VALUES(1)", b"INSERT INTO t ", b"(1)", "Values"),
        (b"INSERT INTO format FORMAT CSV\n1", b"INSERT INTO format ", b"1", "CSV"),
        (b"INSERT INTO values.`format` VALUES (1)", b"INSERT INTO values.`format` ", b"(1)", "Values"),
        (b"INSERT INTO t (`format`, values) FORMAT TSV\n1", b"INSERT INTO t (`format`, values) ", b"1", "TSV"),
        (b"INSERT INTO TABLE t FORMAT TSV\n1", b"INSERT INTO TABLE t ", b"1", "TSV"),
        (b"INSERT INTO {t:Identifier} FORMAT TSV\n1", b"INSERT INTO {t:Identifier} ", b"1", "TSV"),
        (
            b"INSERT INTO FUNCTION file('FORMAT x') FORMAT TSV\n1",
            b"INSERT INTO FUNCTION file('FORMAT x') ",
            b"1",
            "TSV",
        ),
        (
            b"INSERT INTO t SETTINGS a=1, b='format x' FORMAT TSV\n1",
            b"INSERT INTO t SETTINGS a=1, b='format x' ",
            b"1",
            "TSV",
        ),
        (b"/* VALUES /* a */ */ INSERT -- FORMAT x\nINTO t #! y\nFORMAT TSV\n1", b"INTO t #! y\n", b"1", "TSV"),
    ],
)
def test_an_insert_is_cut_where_its_data_begin(text: bytes, head: bytes, data: bytes, name: str) -> None:
    found_head, found_data, found_name = split(text)
    assert found_head.endswith(head)
    assert (found_data, found_name) == (data, name)


@pytest.mark.parametrize(
    "text", [b"INSERT INTO t SELECT 1", b"INSERT INTO t (a) WITH 1 AS x SELECT x", b"INSERT INTO t", b"INSERT", b""]
)
def test_an_insert_without_data_is_left_whole(text: bytes) -> None:
    assert read_statement(text).insert is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"SELECT 1", None),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1\nformat JSONEachRow ;", "JSONEachRow"),
        (b"SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "JSON"),
        (b"SELECT 1 -- FORMAT JSON", None),
        (b"SELECT ' FORMAT JSON'", None),
        (b"SELECT format AS x FROM t", None),
        (b"SELECT (SELECT 1 FORMAT Null)", None),
        (b"SELECT $$ FORMAT JSON $$", None),
    ],
)
def test_the_format_of_a_query_is_its_last_clause(text: bytes, name: str | None) -> None:
    assert read_statement(text).format == name


@pytest.mark.parametrize(
    ("text", "read_only"),
    [
        (b"SELECT 1", True),
        (b" /* x */ (SELECT 1)", True),
        (b"WITH 1 AS x SELECT x", True),
        (b"SHOW TABLES", True),
        (b"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", False),
        (b"INSERT INTO t SELECT 1", False),
        (b"DROP TABLE t", False),
        (b"SYSTEM SHUTDOWN", False),
        (b"-- SELECT\nTRUNCATE TABLE t", False),
    ],
)
def test_only_queries_are_read_only(text: bytes, read_only: bool) -> None:
    assert read_statement(text).read_only is read_only


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"SELECT 1; DROP TABLE t", Code.SYNTAX_ERROR),
        (b"INSERT INTO t SELECT 1; SELECT 2", Code.SYNTAX_ERROR),
        (b"INSERT INTO t FORMAT", Code.SYNTAX_ERROR),
        (b"SELECT 1 INTO OUTFILE '/tmp/x'", Code.INTO_OUTFILE_NOT_ALLOWED),
        (b"INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", Code.INTO_OUTFILE_NOT_ALLOWED),
        (b"INSERT INTO t SELECT * FROM input('a Int8') FORMAT CSV\n1", Code.NOT_IMPLEMENTED),
    ],
)
def test_what_the_interface_does_not_take_is_refused(text: bytes, code: Code) -> None:
    with pytest.raises(ClickHouseError) as refusal:
        read_statement(text)
    assert refusal.value.code == code


def test_a_semicolon_in_quotes_comments_or_at_the_end_is_no_second_statement() -> None:
    assert read_statement(b"SELECT ';' /* ; */ ; -- ;\n ;").read_only


@pytest.mark.parametrize(
    "text",
    [b"SELECT '" + b"x" * 200_000, b"/*" * 50_000, b"((((" * 50_000, b"'\\" * 100_000, b"$a$" + b"$b$ " * 50_000],
)
def test_unfinished_text_is_read_to_its_end(text: bytes) -> None:
    assert read_statement(text).insert is None
