"""The SQL files: their order, their checksums, their statements."""

from graphlib import CycleError

import pytest

from schemas.tables import TABLES
from sinks.scripts import Script, in_order_of_use, migrations, statements, views


def names(scripts: tuple[Script, ...]) -> list[str]:
    return [script.name.removesuffix(".sql") for script in scripts]


def test_migrations_are_numbered_without_gaps_and_named_by_verb_and_subject() -> None:
    found = names(migrations())
    assert [name[:5] for name in found] == [f"{number:04}_" for number in range(len(found))]
    assert all(len(name.split("_")) >= 3 for name in found)


def test_every_declared_table_has_a_migration() -> None:
    created = " ".join(script.text for script in migrations())
    assert [name for name in TABLES if f"CREATE TABLE IF NOT EXISTS {name}\n" not in created] == []


def test_every_migration_may_run_twice() -> None:
    for script in migrations():
        assert "IF NOT EXISTS" in script.text, script.name


def test_every_file_tells_its_key_engine_and_why_or_what_it_shows() -> None:
    for script in migrations():
        assert script.text.startswith("-- "), script.name
        assert "-- Key " in script.text and "-- Engine " in script.text, script.name
    for script in views():
        assert script.text.startswith("-- "), script.name


def test_every_view_file_replaces_the_view_of_its_name() -> None:
    for script in views():
        assert f"CREATE OR REPLACE VIEW {script.name.removesuffix('.sql')}\n" in script.text


def test_a_view_comes_after_the_views_it_reads() -> None:
    order = names(views())
    assert order.index("internal_epoch") < order.index("internal_cells") < order.index("internal_cohorts")
    assert order.index("internal_clock") < order.index("retention_daily")
    assert order.index("internal_calendar") < order.index("retention_weekly")


def test_order_follows_from_and_join_and_ignores_comments() -> None:
    reader = Script("a.sql", "-- FROM c\nSELECT * FROM b LEFT JOIN table_x")
    last = Script("c.sql", "SELECT * FROM a")
    assert names(in_order_of_use([reader, Script("b.sql", "SELECT 1"), last])) == ["b", "a", "c"]


def test_views_that_read_each_other_are_refused() -> None:
    with pytest.raises(CycleError):
        in_order_of_use([Script("a.sql", "SELECT * FROM b"), Script("b.sql", "SELECT * FROM a")])


def test_a_checksum_changes_with_any_byte() -> None:
    assert Script("a.sql", "SELECT 1").checksum != Script("a.sql", "SELECT 1 ").checksum
    assert Script("a.sql", "SELECT 1").checksum == Script("b.sql", "SELECT 1").checksum


def test_statements_end_with_a_semicolon_at_the_end_of_a_line() -> None:
    text = "-- two; of them\nCREATE TABLE a (x String COMMENT 'a; b');\n\n-- the second\nCREATE TABLE b;\n-- the end\n"
    assert statements(text) == (
        "-- two; of them\nCREATE TABLE a (x String COMMENT 'a; b')",
        "-- the second\nCREATE TABLE b",
    )


def test_a_single_statement_may_do_without_a_semicolon() -> None:
    assert statements("SELECT 1\n") == ("SELECT 1",)
