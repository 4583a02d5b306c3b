"""The worker as its supervisor sees it: its exit status and its last words. What it folds is tested elsewhere."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.cli import run
from deploy.progress import read_progress
from deploy.settings import Settings, settings_environment
from tests.integration.cli.conftest import NOWHERE

TIMEOUT_S = 60


@pytest.mark.usefixtures("settings")
def test_a_worker_without_its_topics_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["worker"]) == 1
    error = capsys.readouterr().err
    assert "topic mp.events is missing: run 'retention migrate'" in error
    assert error.count("\n") == 1


def test_a_worker_whose_broker_is_away_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETENTION_KAFKA_BOOTSTRAP", NOWHERE)
    assert run(["worker"]) == 1
    assert capsys.readouterr().err.startswith(f"retention: Kafka at {NOWHERE} does not answer")


def test_a_worker_that_is_told_to_stop_ends_well_and_a_doctor_sees_it_at_work(
    migrated: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["traffic", "--no-live", "--days", "3", "--users", "20"]) == 0
    command = [sys.executable, "-m", "deploy.cli", "worker"]
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(command, stderr=log, env={**os.environ, **settings_environment(migrated)})
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not any(one.consumed for one in read_progress(migrated).values()):
            assert worker.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert run(["doctor"]) == 0, capsys.readouterr().out
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(TIMEOUT_S) == 0
    finally:
        worker.kill()
        worker.wait()
    assert "Traceback" not in (tmp_path / "log").read_text()
