"""Refusals: ClickHouse's code in the header, its status, its text in the body; and the server goes on."""

import pytest

from tests.integration.embedded.web import Web


@pytest.mark.parametrize(
    ("sql", "status", "code", "name"),
    [
        ("SELEC 1", 400, 62, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", 400, 62, "SYNTAX_ERROR"),
        ("SELECT nothing", 404, 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT * FROM nothing", 404, 60, "UNKNOWN_TABLE"),
        ("SELECT no_such(1)", 404, 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1 FORMAT Nothing", 404, 73, "UNKNOWN_FORMAT"),
        ("SELECT toUInt8('x')", 400, 6, "CANNOT_PARSE_TEXT"),
        ("SELECT {x:UInt8}", 500, 456, "UNKNOWN_QUERY_PARAMETER"),
        ("SELECT throwIf(1)", 500, 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("INSERT INTO nothing FORMAT CSV\n1", 404, 60, "UNKNOWN_TABLE"),
        ("SELECT 1 INTO OUTFILE '/tmp/never'", 500, 358, "INTO_OUTFILE_NOT_ALLOWED"),
        ("\xff", 400, 62, "SYNTAX_ERROR"),
    ],
)
def test_an_error_says_code_status_and_name(web: Web, sql: str, status: int, code: int, name: str) -> None:
    answer = web.post(sql.encode("latin-1"))
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.body.startswith(b"Code: %d. DB::Exception: " % code)
    assert f"({name})" in answer.body.decode()
    assert b"(version " in answer.body


def test_an_unknown_database_setting_or_format_of_the_request_is_refused(web: Web) -> None:
    assert (web.get("SELECT 1", database="nothing").status, web.get("SELECT 1", database="nothing").code) == (404, 81)
    assert (web.get("SELECT 1", nothing="1").status, web.get("SELECT 1", nothing="1").code) == (404, 115)
    assert web.get("SELECT 1", default_format="DataFrame").code == 73
    assert web.get("SELECT 1", **{"a b": "1"}).code == 115


@pytest.mark.parametrize("sql", ["CREATE TABLE x (a Int8) ENGINE = Memory", "INSERT INTO x VALUES (1)", "DROP TABLE x"])
def test_get_changes_nothing(web: Web, sql: str) -> None:
    refusal = web.get(sql)
    assert (refusal.status, refusal.code) == (500, 164)
    assert b"You should use method POST" in refusal.body
    assert web.run("SELECT count() FROM system.tables WHERE database = currentDatabase()") == "0\n"


def test_a_mistyped_get_is_a_syntax_error(web: Web) -> None:
    assert web.get("SELEC 1").code == 62


def test_the_readonly_setting_is_obeyed(web: Web) -> None:
    assert web.post("CREATE TABLE x (a Int8) ENGINE = Memory", readonly="1").code == 164
    assert web.run("SELECT 1", readonly="1") == "1\n"


def test_compressions_that_are_not_served_are_named(web: Web) -> None:
    assert web.post("SELECT 1", compress="1").status == 501
    assert web.post(b"x", {"Content-Encoding": "br"}).status == 501
    broken = web.post(b"not gzip", {"Content-Encoding": "gzip"})
    assert (broken.status, broken.code) == (500, 271)


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(web: Web) -> None:
    answer = web.send("POST", "/", b"", {"Content-Length": str((1 << 30) + 1)})
    assert answer.status == 413


def test_after_every_error_the_next_query_works(web: Web) -> None:
    for sql in ("SELEC", "SELECT * FROM nothing", "INSERT INTO nothing FORMAT CSV\n1"):
        web.post(sql)
        assert web.run("SELECT 1") == "1\n"
