import io
import json
import sys
from pathlib import Path

import pytest

from deploy.cli import run
from deploy.settings import Settings
from tests.integration.cli.conftest import NOWHERE


def test_the_answer_has_names_when_piped(migrated: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "SELECT 1 AS one, 'x' AS two"]) == 0
    assert capsys.readouterr().out == "one\ttwo\n1\tx\n"
    assert migrated.epoch == 1


@pytest.mark.usefixtures("migrated")
def test_the_format_can_be_chosen_and_the_statement_wins(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "SELECT 1 AS one", "--format", "JSONEachRow"]) == 0
    assert json.loads(capsys.readouterr().out) == {"one": 1}
    assert run(["query", "SELECT 1 AS one FORMAT CSV", "--format", "JSONEachRow"]) == 0
    assert capsys.readouterr().out == "1\n"


@pytest.mark.usefixtures("migrated")
def test_tables_are_found_without_naming_the_database(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "SELECT count() AS n FROM retention_daily"]) == 0
    assert capsys.readouterr().out == "n\n0\n"


@pytest.mark.usefixtures("migrated")
def test_sql_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("-- 用户\nSELECT '用户' AS u;\n"))
    assert run(["query", "-"]) == 0
    assert capsys.readouterr().out == "u\n用户\n"


@pytest.mark.usefixtures("migrated")
def test_statements_that_are_no_queries_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "INSERT INTO epochs (epoch) VALUES (7)"]) == 0
    assert run(["query", "SELECT epoch FROM epochs WHERE epoch = 7", "--format", "TSV"]) == 0
    assert capsys.readouterr().out == "7\n"


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(("sql", "text"), [("SELEC 1", "Syntax error"), ("SELECT * FROM nothing", "nothing")])
def test_what_clickhouse_refuses_is_one_line(sql: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", sql]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert text in captured.err
    assert captured.err.count("\n") == 1


def test_a_missing_database_names_the_way_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETENTION_CLICKHOUSE_DATABASE", f"{settings.clickhouse_database}_gone")
    assert run(["query", "SELECT 1"]) == 1
    assert "run 'retention migrate'" in capsys.readouterr().err


def test_a_server_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RETENTION_CLICKHOUSE_URL", f"http://{NOWHERE}")
    assert run(["query", "SELECT 1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"retention: ClickHouse at http://{NOWHERE} does not answer")
    assert error.count("\n") == 1


def test_a_directory_without_a_run_names_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "SELECT 1", "--data-dir", str(tmp_path)]) == 1
    assert "'retention run FILE --data-dir" in capsys.readouterr().err
