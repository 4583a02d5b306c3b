"""ClickHouse goes away and comes back: nothing is lost, memory stays bounded, the worker resumes by itself."""

import time
from pathlib import Path

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.e2e.pipeline import PARTITIONS, new_pipeline
from tests.oracle.dataset import CATALOG, Size, generate
from tests.ports import reserve_port

AWAY_S = 30
MOST_GROWTH_MIB = 150


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has gone")


def test_thirty_seconds_without_clickhouse_lose_nothing(tmp_path: Path) -> None:
    with (
        EmbeddedClickHouse(tmp_path / "data", reserve_port(), tmp_path) as clickhouse,
        new_pipeline(clickhouse.url, "retention", tmp_path, CATALOG) as pipeline,
    ):
        messages = generate(6, Size(users=10, days=45)).messages(PARTITIONS)
        worker = pipeline.start_worker()
        pipeline.publish(messages[: len(messages) // 2])
        pipeline.wait_for_some_progress()
        clickhouse.stop()
        before = resident_mib(worker.process.pid)
        pipeline.publish(messages[len(messages) // 2 :])
        time.sleep(AWAY_S)
        worker.check()
        assert resident_mib(worker.process.pid) < before + MOST_GROWTH_MIB
        clickhouse.start()
        pipeline.wait_until_folded()
        pipeline.assert_exact()
        assert worker.stop() == 0


def test_a_worker_may_start_before_clickhouse(tmp_path: Path) -> None:
    clickhouse = EmbeddedClickHouse(tmp_path / "data", reserve_port(), tmp_path)
    with clickhouse, new_pipeline(clickhouse.url, "retention", tmp_path, CATALOG) as pipeline:
        pipeline.publish(generate(7, Size(users=2, days=10)).messages(PARTITIONS))
        clickhouse.stop()
        worker = pipeline.start_worker()
        time.sleep(5)
        worker.check()
        clickhouse.start()
        pipeline.wait_until_folded()
        pipeline.assert_exact()
