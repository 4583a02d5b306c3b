"""The tables are as exact with the users at rest on disk, whatever a killed worker left there."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.e2e.pipeline import PARTITIONS, Pipeline, new_pipeline
from tests.e2e.test_crash import SIZE, steps
from tests.oracle.dataset import CATALOG, generate

KILLED_AFTER = (3, 8)
DEADLINE_S = 60


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "states"


@pytest.fixture
def pipeline(clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path, state_dir: Path) -> Iterator[Pipeline]:
    """Its workers keep users at rest on disk."""
    with new_pipeline(clickhouse.url, database, tmp_path, CATALOG, state_dir=state_dir) as made:
        yield made


def open_partitions(state_dir: Path) -> set[Path]:
    """The directories of RocksDB, of living processes and of dead ones."""
    # The next process removes those of a dead one, which os.walk does not mind.
    return {Path(folder) for folder, _, files in os.walk(state_dir) if "CURRENT" in files}


def wait_until_all_are_open(state_dir: Path, left: set[Path]) -> None:
    """Wait for the partitions of a worker that finds those ``left`` by a dead one."""
    deadline = time.monotonic() + DEADLINE_S
    while len(found := open_partitions(state_dir)) != PARTITIONS or found & left:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_kill_9_in_mid_stream_with_states_on_disk_changes_nothing(pipeline: Pipeline, state_dir: Path) -> None:
    worker = pipeline.start_worker()
    left: set[Path] = set()
    for step, messages in enumerate(steps(generate(6, SIZE).messages(PARTITIONS))):
        pipeline.publish(messages)
        if step in KILLED_AFTER:
            wait_until_all_are_open(state_dir, left)
            pipeline.wait_for_some_progress()
            time.sleep(0.3)
            worker.kill()
            left = open_partitions(state_dir)
            assert len(left) == PARTITIONS
            worker = pipeline.start_worker()
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)
    now = open_partitions(state_dir)
    assert len(now) == PARTITIONS
    assert not now & left
    assert worker.stop() == 0
    assert list(state_dir.iterdir()) == []
