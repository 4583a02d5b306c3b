"""The embedded broker with both Kafka clients that the project uses."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from deploy.embedded.broker import EmbeddedBroker

MEGABYTE = 1 << 20
CONFIG = {"cleanup.policy": "delete", "retention.ms": "3600000", "max.message.bytes": str(16 * MEGABYTE)}


@pytest.fixture
def topic(broker: EmbeddedBroker) -> Iterator[str]:
    name = f"embedded-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic(name, num_partitions=4, replication_factor=1, topic_configs=CONFIG)])
    yield name
    admin.close()


def consume(broker: EmbeddedBroker, topic: str, group: str, count: int) -> list[tuple[int, int, bytes, bytes]]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=2000,  # joining takes this broker half of it
        heartbeat_interval_ms=500,
    )
    records: list[tuple[int, int, bytes, bytes]] = []
    while len(records) < count:
        for batch in consumer.poll(500).values():
            records += [(record.partition, record.offset, record.key, record.value) for record in batch]
    consumer.commit()
    consumer.close()
    return records


def test_a_topic_is_created_once_with_its_partitions(broker: EmbeddedBroker, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    assert [len(found["partitions"]) for found in admin.describe_topics([topic])] == [4]
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(topic, num_partitions=4, replication_factor=1)])
    admin.close()


def test_records_keep_order_key_and_value_and_a_group_goes_on_where_it_was(broker: EmbeddedBroker, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(100):
        producer.send(topic, key=f"user {number % 7}".encode(), value=b"%d" % number)
    producer.flush()
    records = consume(broker, topic, f"{topic}-group", 100)
    assert sorted(int(value) for *_, value in records) == list(range(100))
    for key in {key for _, _, key, _ in records}:
        ours = [(partition, int(value)) for partition, _, found, value in records if found == key]
        assert len({partition for partition, _ in ours}) == 1
        assert ours == sorted(ours)
    producer.send(topic, key=b"later", value=b"100").get(10)
    producer.close()
    assert [value for *_, value in consume(broker, topic, f"{topic}-group", 1)] == [b"100"]


def test_a_record_of_ten_megabytes_passes_when_the_producer_allows_it(broker: EmbeddedBroker, topic: str) -> None:
    large = bytes(10 * MEGABYTE)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=16 * MEGABYTE)
    producer.send(topic, key=b"u", value=large).get(30)
    producer.close()
    assert [value for *_, value in consume(broker, topic, f"{topic}-large", 1)] == [large]


async def test_the_asynchronous_client_works_too(broker: EmbeddedBroker, topic: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        sent = [await producer.send_and_wait(topic, b"%d" % number, key=b"u") for number in range(10)]
    assert [record.offset for record in sent] == list(range(10))
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=f"{topic}-async",
        auto_offset_reset="earliest",
        session_timeout_ms=2000,  # joining takes this broker half of it
        heartbeat_interval_ms=500,
    )
    async with consumer:
        assert [(await consumer.getone()).value for _ in range(10)] == [b"%d" % number for number in range(10)]


def test_the_environment_does_not_change_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_ENGINE", "s3://elsewhere/")
    monkeypatch.setenv("ADVERTISED_LISTENER_URL", "tcp://elsewhere:1")
    with EmbeddedBroker(None, tmp_path) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        assert admin.list_topics() == []
        admin.close()


def test_after_a_stop_the_broker_is_empty_on_the_same_port(tmp_path: Path) -> None:
    with EmbeddedBroker(None, tmp_path) as broker:
        bootstrap = broker.bootstrap
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        admin.create_topics([NewTopic("gone", num_partitions=1, replication_factor=1)])
        admin.close()
        broker.stop()
        broker.start()
        assert broker.bootstrap == bootstrap
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        assert admin.list_topics() == []
        admin.close()
