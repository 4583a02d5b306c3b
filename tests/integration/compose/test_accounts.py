"""Each ClickHouse account can do its work, and no more, by the engine's own judgement."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.tables import TABLES
from sinks.scripts import migrations, statements, views

Run = Callable[[str, list[str]], list[int]]

ACCESS_DENIED = 497
READONLY = 164

SCHEMA = [
    "CREATE DATABASE IF NOT EXISTS retention",
    "USE retention",
    *(statement for script in (*migrations(), *views()) for statement in statements(script.text)),
]


@pytest.fixture(scope="module")
def run_as(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs statements as an account, on one data directory; returns their error codes."""
    folder = tmp_path_factory.mktemp("clickhouse")

    def run(account: str, queries: list[str]) -> list[int]:
        command = [sys.executable, "-m", "tests.integration.compose.engine_as", account, str(folder)]
        done = subprocess.run(command, input=json.dumps(queries), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        codes: list[int] = json.loads(done.stdout)
        return codes

    # Twice, because views are replaced at every deployment.
    assert run("retention_migrate", SCHEMA * 2) == [0] * len(SCHEMA) * 2
    return run


@pytest.fixture
def outside(tmp_path: Path) -> list[str]:
    """What no account may do."""
    return [
        "CREATE DATABASE other",
        "CREATE USER intruder",
        "CREATE ROLE intruders",
        "SELECT * FROM system.users",
        f"INSERT INTO FUNCTION file('{tmp_path}/all.csv', CSV, 'user_id String') SELECT user_id FROM retention.users",
        "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')",
        "DROP DATABASE retention",
    ]


@pytest.mark.parametrize("account", ["retention_migrate", "retention_worker", "retention_bi"])
def test_nothing_outside_the_database_is_allowed(run_as: Run, outside: list[str], account: str) -> None:
    assert set(run_as(account, outside)) <= {ACCESS_DENIED, READONLY}


def test_worker_reads_and_writes_every_table(run_as: Run) -> None:
    writes = [f"INSERT INTO retention.{name} ({', '.join(TABLES[name].columns)}) {one_row(name)}" for name in TABLES]
    queries = [*writes, *(f"SELECT * FROM retention.{name} FINAL" for name in TABLES)]
    assert run_as("retention_worker", queries) == [0] * len(queries)


def test_worker_changes_no_table(run_as: Run) -> None:
    queries = [
        "CREATE TABLE retention.mine (a UInt8) ENGINE = Memory",
        "CREATE OR REPLACE VIEW retention.active_users AS SELECT 1",
        "ALTER TABLE retention.cells DELETE WHERE 1",
        "TRUNCATE TABLE retention.cells",
        "DROP TABLE retention.cells",
        "DROP VIEW retention.active_users",
    ]
    assert run_as("retention_worker", queries) == [ACCESS_DENIED] * len(queries)


def test_dashboards_read_every_view_and_write_nothing(run_as: Run) -> None:
    reads = ["USE retention", *(f"SELECT * FROM {script.name.removesuffix('.sql')}" for script in views())]
    assert run_as("retention_bi", reads) == [0] * len(reads)
    writes = [
        "INSERT INTO retention.epochs (epoch) VALUES (9)",
        "CREATE VIEW retention.mine AS SELECT 1",
        "DROP VIEW retention.active_users",
        "SET readonly = 0",
    ]
    assert set(run_as("retention_bi", writes)) <= {ACCESS_DENIED, READONLY}


def one_row(table: str) -> str:
    """A statement that selects one row, with a value of the right type in each column."""
    kinds = (kind.replace("'", "\\'") for kind in TABLES[table].columns.values())
    return "SELECT " + ", ".join(f"defaultValueOfTypeName('{kind}')" for kind in kinds)
