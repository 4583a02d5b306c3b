"""Apache Kafka's nodes die and come back; what they acknowledged stays, so everything is counted once."""

import random
import time
from pathlib import Path

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from schemas.topics import EVENTS
from tests.e2e.pipeline import new_pipeline
from tests.faults.load import in_parts
from tests.kafka.broker import is_apache
from tests.kafka.cluster import ApacheKafka
from tests.oracle.dataset import CATALOG

pytestmark = [
    pytest.mark.skipif(not is_apache(), reason="the embedded broker keeps nothing on disk"),
    # On a busy machine a single start of a node may take what other tests may take as a whole.
    pytest.mark.timeout(600),
]

_PARTS = 12


def test_kill_9_of_the_broker_loses_nothing(clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path) -> None:
    chance = random.Random(31)
    with (
        ApacheKafka(tmp_path / "kafka") as kafka,
        new_pipeline(clickhouse.url, database, tmp_path, CATALOG, bootstrap=kafka.bootstrap) as pipeline,
    ):
        worker = pipeline.start_worker()
        for number, part in enumerate(in_parts(31, _PARTS)):
            pipeline.publish(part)
            if number in (3, 7):
                pipeline.wait_for_some_progress()
                time.sleep(chance.uniform(0, 0.5))
                kafka.kill(1)
                time.sleep(chance.uniform(0, 4))
                kafka.restart(1)
        pipeline.wait_until_folded()
        pipeline.assert_exact(restarted=True)
        assert worker.stop() == 0


def test_leaders_that_move_lose_nothing(clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path) -> None:
    chance = random.Random(32)
    with (
        ApacheKafka(tmp_path / "kafka", nodes=3) as kafka,
        new_pipeline(clickhouse.url, database, tmp_path, CATALOG, bootstrap=kafka.bootstrap, replication=3) as pipeline,
    ):
        pipeline.start_worker()
        for number, part in enumerate(in_parts(32, _PARTS)):
            pipeline.publish(part)
            if number in (3, 7):
                pipeline.wait_for_some_progress()
                time.sleep(chance.uniform(0, 0.5))
                leads = chance.choice(list(kafka.leaders(EVENTS.name).values()))
                kafka.kill(leads)
            elif number in (5, 9):
                assert leads not in kafka.leaders(EVENTS.name).values()
                kafka.restart(leads)
        pipeline.wait_until_folded()
        pipeline.assert_exact(restarted=True)
