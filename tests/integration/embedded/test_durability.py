"""What was acknowledged stays: over restarts, SIGTERM, kill -9. And one data directory has one owner."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.embedded.engine.errors import DataDirError
from deploy.embedded.process import ServiceError
from tests.integration.embedded.web import Web
from tests.ports import reserve_port

TABLE = "CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedClickHouse]:
    with EmbeddedClickHouse(tmp_path / "data", reserve_port(), tmp_path / "logs") as server:
        yield server


@pytest.fixture
def own(server: EmbeddedClickHouse) -> Web:
    web = Web(server, "default")
    web.run(TABLE)
    return web


def test_rows_are_there_after_a_restart_on_the_same_port(server: EmbeddedClickHouse, own: Web) -> None:
    own.run("INSERT INTO t VALUES (1), (2)")
    port = server.port
    server.stop()
    server.start()
    assert server.port == port
    assert own.run("SELECT n FROM t ORDER BY n") == "1\n2\n"


def test_every_acknowledged_row_survives_a_kill(server: EmbeddedClickHouse, own: Web) -> None:
    acknowledged: list[int] = []

    def insert_for_ever() -> None:
        try:
            while True:
                number = len(acknowledged)
                if own.post(f"INSERT INTO t VALUES ({number})").status == 200:
                    acknowledged.append(number)
        except (OSError, HTTPException):  # the server is gone: what we wait for
            return

    with ThreadPoolExecutor(1) as pool:
        inserting = pool.submit(insert_for_ever)
        while len(acknowledged) < 50:
            server.check()
        os.kill(server.pid, signal.SIGKILL)
        inserting.result()
    server.stop()
    server.start()
    kept = [int(line) for line in own.run("SELECT n FROM t ORDER BY n").split()]
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) <= len(acknowledged) + 1  # the one on its way


def test_sigterm_lets_the_running_statement_finish(server: EmbeddedClickHouse, own: Web) -> None:
    with ThreadPoolExecutor(1) as pool:
        # Of one block, rows may sleep three seconds in all.
        slow = "SELECT sum(sleepEachRow(0.1) + 1) FROM numbers(60) SETTINGS max_block_size = 10"
        running = pool.submit(own.get, slow)
        while own.run("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%'") != "2\n":
            assert not running.done()
        os.kill(server.pid, signal.SIGTERM)
        answer = running.result()
    assert (answer.status, answer.body) == (200, b"60\n")
    # It ends by itself: a second SIGTERM, which stopping would send, may come when its event loop is half closed.
    with pytest.raises(ServiceError, match="clickhouse ended with status 0"):
        while True:
            server.check()
            time.sleep(0.05)
    assert "Traceback" not in server.log_file.read_text()


def test_a_directory_in_use_is_refused_in_one_line(server: EmbeddedClickHouse, tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match=rf"{tmp_path}/data is in use by process {server.pid}: stop it") as refusal:
        EmbeddedClickHouse(tmp_path / "data", log_dir=tmp_path / "logs").start()
    assert "\n" not in str(refusal.value)


def run_program(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.embedded.clickhouse_server", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_program_says_in_one_line_why_it_does_not_start(server: EmbeddedClickHouse, tmp_path: Path) -> None:
    in_use = run_program("--data-dir", str(tmp_path / "data"), "--port", "1")
    assert in_use.returncode == 1
    assert in_use.stderr.startswith("error: data directory")
    assert in_use.stderr.count("\n") == 1

    taken = run_program("--data-dir", str(tmp_path / "other"), "--port", str(server.port))
    assert (taken.returncode, taken.stderr.count("\n")) == (1, 1)
    assert f"127.0.0.1:{server.port}" in taken.stderr

    (tmp_path / "file").touch()
    not_a_directory = run_program("--data-dir", str(tmp_path / "file"), "--port", "1")
    assert (not_a_directory.returncode, not_a_directory.stderr.count("\n")) == (1, 1)


def test_a_server_that_has_ended_says_so(server: EmbeddedClickHouse) -> None:
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(ServiceError, match="clickhouse ended with status 137"):
        while True:
            server.check()
            time.sleep(0.05)


def test_no_file_of_a_request_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with EmbeddedClickHouse(tmp_path / "data") as server:
        web = Web(server, "default")
        web.run(TABLE)
        data = b"".join(b"%d\n" % n for n in range(1_000_000))  # too large to stay in memory
        assert web.post(data, query="INSERT INTO t FORMAT TSV").status == 200
        assert web.post(data + b"oops", query="INSERT INTO t FORMAT TSV").status == 400
        assert list((tmp_path / "tmp").iterdir()) == []
