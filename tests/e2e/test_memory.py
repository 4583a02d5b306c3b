"""What a worker holds while ClickHouse is away is bounded in bytes, not only in messages."""

import time
from pathlib import Path

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.e2e.pipeline import PARTITIONS, new_pipeline
from tests.e2e.test_clickhouse_away import MOST_GROWTH_MIB, resident_mib
from tests.oracle.dataset import CATALOG
from tests.oracle.judge import Message
from tests.ports import reserve_port

pytestmark = pytest.mark.faults

LARGE = 256 * 1024
MESSAGES = 1600


def test_large_refused_messages_do_not_pile_up_while_clickhouse_is_away(tmp_path: Path) -> None:
    with (
        EmbeddedClickHouse(tmp_path / "data", reserve_port(), tmp_path) as clickhouse,
        new_pipeline(clickhouse.url, "retention", tmp_path, CATALOG) as pipeline,
    ):
        worker = pipeline.start_worker()
        pipeline.publish_one(b"{}")
        pipeline.wait_until_folded()
        clickhouse.stop()
        # A flush of this message alone gets stuck: what one of the flood holds depends on when it begins.
        pipeline.publish_one(b"{}")
        worker.wait_until_it_says("rows wait until it is back")
        before = resident_mib(worker.process.pid)
        for start in range(0, MESSAGES, 100):
            pipeline.publish(
                Message(number % PARTITIONS, -1, None, b"x" * LARGE, int(time.time() * 1000))
                for number in range(start, start + 100)
            )
        time.sleep(15)
        worker.check()
        assert resident_mib(worker.process.pid) - before < MOST_GROWTH_MIB
