"""The commands that start everything themselves, from the outside: as processes, by their output and exit status."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

DAY_MS = 86_400_000
#: Noon in Shanghai on 2026-03-01.
NOON = 1_772_337_600_000
TIMEOUT_S = 110


def _retention(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), env=_environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def _environment() -> dict[str, str]:
    # Joining the group takes about half of the session timeout.
    return {**os.environ, "RETENTION_SESSION_TIMEOUT_S": "6"}


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", *map(str, arguments)]


def _event(user_id: str, day: int, number: int = 0) -> dict[str, object]:
    return {
        "event_id": f"{user_id}-{day}-{number}",
        "app_id": "wx1",
        "user_id": user_id,
        "event": "app_open",
        "ts": NOON + day * DAY_MS,
    }


def _write(path: Path, *events: dict[str, object] | str) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in events), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A run over two files: three users, two of whom come back, and something of every kind of refusal."""
    root = tmp_path_factory.mktemp("run")
    first = _write(root / "a.ndjson", _event("王 一", 0), _event("李二", 0), _event("u3", 0), _event("u3", 0), "{")
    second = _write(
        root / "b.ndjson",
        _event("王 一", 1),
        _event("李二", 9),
        _event("李二", 1),
        _event("u3", 20_000),
        _event("王 一", 9),
    )
    return root, _retention("run", first, second, "--data-dir", root / "data")


def _query(root: Path, sql: str) -> list[dict[str, object]]:
    done = _retention("query", sql, "--data-dir", root / "data", "--format", "JSONEachRow")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_run_ends_with_what_became_of_the_events(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = finished
    assert done.returncode == 0, done.stderr
    summary = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line}
    assert summary["events"] == ["10"]
    assert summary["accepted"] == ["6"]
    assert summary["duplicates"] == ["1"]
    assert summary["dead"] == ["3", "(late", "1,", "future", "1,", "invalid", "1)"]


def test_the_tables_stay_in_the_directory(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, _ = finished
    cells = _query(
        root,
        "SELECT day_n, cohort_users, retained_users FROM retention_daily WHERE app_id = 'wx1' AND audience = 'new' "
        "AND cohort_date = '2026-03-01' AND retained_users > 0 ORDER BY day_n",
    )
    assert [(cell["day_n"], cell["cohort_users"], cell["retained_users"]) for cell in cells] == [
        (0, 3, 3),
        (1, 3, 1),
        (9, 3, 2),
    ]
    assert [row["reason"] for row in _query(root, "SELECT reason FROM dead_letters ORDER BY reason")] == [
        "future",
        "invalid",
        "late",
    ]


def test_report_draws_what_a_run_left(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, _ = finished
    done = _retention("report", "--data-dir", root / "data", "--days", "0,1,9")
    assert done.returncode == 0, done.stderr
    [cohort] = [line for line in done.stdout.splitlines() if line.startswith("2026-03-01")]
    assert [part.strip("*") for part in cohort.split()[1:]] == ["3", "100", "33.3", "66.7"]


def test_a_directory_with_a_run_is_refused_until_fresh(
    finished: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    root, _ = finished
    file = _write(tmp_path / "c.ndjson", _event("u9", 5))
    refused = _retention("run", file, "--data-dir", root / "data")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "--fresh" in refused.stderr
    (root / "data" / "note.txt").write_text("mine")
    again = _retention("run", file, "--data-dir", root / "data", "--fresh")
    assert again.returncode == 0, again.stderr
    assert [row["user_id"] for row in _query(root, "SELECT user_id FROM user_activity")] == ["u9"]
    assert (root / "data" / "note.txt").read_text() == "mine"


def test_a_missing_file_makes_no_directory(tmp_path: Path) -> None:
    done = _retention("run", tmp_path / "nothing", "--data-dir", tmp_path / "data")
    assert done.returncode == 1
    assert not (tmp_path / "data").exists()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A small demo that has printed its triangle and goes on with live events."""
    options = ("--users", "300", "--days", "20", "--rate", "40", "--data-dir", tmp_path / "demo")
    with (tmp_path / "status").open("w") as status:
        process = subprocess.Popen(
            _command("demo", *options), env=_environment(), stdout=subprocess.PIPE, stderr=status, text=True
        )
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while "Ctrl-C stops" not in (tmp_path / "status").read_text():
            assert process.poll() is None, (tmp_path / "status").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _descendants(pid: int) -> set[int]:
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(line.split()[0]): int(line.split()[1]) for line in listing.splitlines()}
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_demo_leaves_no_process_behind(
    demo: subprocess.Popen[str], number: signal.Signals, status: int, tmp_path: Path
) -> None:
    children = _descendants(demo.pid)
    assert len(children) >= 3
    os.kill(demo.pid, number)
    output, _ = demo.communicate(timeout=TIMEOUT_S)
    assert demo.returncode == status
    assert "Daily retention of new users" in output
    assert "Traceback" not in (tmp_path / "status").read_text()
    deadline = time.monotonic() + TIMEOUT_S
    while any(_runs(pid) for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def test_a_demo_without_live_events_ends_after_the_triangle(tmp_path: Path) -> None:
    done = _retention("demo", "--no-live", "--users", "100", "--days", "8", "--data-dir", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    assert "Kafka       127.0.0.1:" in done.stdout
    assert "ClickHouse  http://127.0.0.1:" in done.stdout
    assert "D1 = the day after" in done.stdout
    users = _retention("query", "SELECT count() FROM user_activity", "--data-dir", tmp_path / "demo", "--format", "TSV")
    assert int(users.stdout) > 50


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _retention("demo", "--kafka-port", str(port), "--data-dir", tmp_path / "demo")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"port {port} is taken" in done.stderr
    assert "--kafka-port" in done.stderr
