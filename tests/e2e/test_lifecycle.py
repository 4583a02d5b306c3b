"""A worker that cannot go on says so and ends; one that is told to stop stops, whatever is away."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from streams.codec import encode_key
from streams.positions import PROGRESS_KEY
from tests.e2e.pipeline import PARTITIONS, Pipeline, new_pipeline
from tests.oracle.dataset import CATALOG, Size, generate
from tests.ports import reserve_port

pytestmark = pytest.mark.faults

DEADLINE_S = 40


def exit_status(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        return None


async def _publish(bootstrap: str, topic: str, key: bytes, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, value, key, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [(PROGRESS_KEY, b"\1" + bytes(80)), (encode_key("wx-default", "u"), b"short")],
    ids=["progress", "user"],
)
def test_a_damaged_changelog_record_ends_the_worker(pipeline: Pipeline, key: bytes, value: bytes) -> None:
    first = pipeline.start_worker()
    pipeline.publish(generate(1, Size(users=2, days=10)).messages(PARTITIONS))
    pipeline.wait_until_folded()
    assert first.stop() == 0
    topic = next(name for name in _topics(pipeline.settings.kafka_bootstrap) if name.endswith("-users-changelog"))
    asyncio.run(_publish(pipeline.settings.kafka_bootstrap, topic, key, value))
    worker = pipeline.start_worker()
    worker.expected = False
    assert exit_status(worker.process) not in (None, 0)


def _topics(bootstrap: str) -> list[str]:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    try:
        return sorted(consumer.topics())
    finally:
        consumer.close()


def test_a_worker_is_stopped_although_the_broker_has_gone(
    clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path
) -> None:
    with (
        EmbeddedBroker(reserve_port(), tmp_path) as broker,
        new_pipeline(clickhouse.url, database, tmp_path, CATALOG, bootstrap=broker.bootstrap) as pipeline,
    ):
        worker = pipeline.start_worker()
        pipeline.publish(generate(1, Size(users=10, days=30)).messages(PARTITIONS))
        pipeline.wait_for_some_progress()
        broker.stop()
        time.sleep(2)
        worker.expected = False
        worker.process.send_signal(signal.SIGTERM)
        assert exit_status(worker.process) == 0


def test_a_worker_is_stopped_while_it_starts_and_the_broker_is_silent(
    clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path
) -> None:
    with (
        EmbeddedBroker(reserve_port(), tmp_path) as broker,
        new_pipeline(clickhouse.url, database, tmp_path, CATALOG, bootstrap=broker.bootstrap) as pipeline,
    ):
        worker = pipeline.start_worker()
        worker.expected = False
        # Its consumer has started; that the group has formed takes seconds more.
        worker.wait_until_it_says("UsersTable: users]: Starting")
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            time.sleep(1)
            worker.process.send_signal(signal.SIGTERM)
            assert exit_status(worker.process) == 0
        finally:
            os.kill(broker.pid, signal.SIGCONT)
