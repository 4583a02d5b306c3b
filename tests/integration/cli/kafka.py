"""What stands in Kafka, read by a client that shares nothing with the code under test but the library."""

from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient


@dataclass(frozen=True)
class Record:
    """One record of a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp: int


def records(bootstrap: str, topic: str, count: int) -> list[Record]:
    """The ``count`` records of ``topic``, by partition; fewer when that is all that comes."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, max_partition_fetch_bytes=32 << 20)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        found: list[Record] = []
        quiet = 0
        # One look more than needed, so that a surplus is seen.
        while quiet < (1 if len(found) >= count else 20):
            batches = consumer.poll(timeout_ms=250)
            quiet = 0 if batches else quiet + 1
            found += [
                Record(one.partition, one.offset, one.key, one.value, one.timestamp)
                for batch in batches.values()
                for one in batch
            ]
        return sorted(found, key=lambda one: (one.partition, one.offset))
    finally:
        consumer.close()


def topics(bootstrap: str) -> dict[str, int]:
    """Every topic and its number of partitions."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    finally:
        admin.close()


def config(bootstrap: str, topic: str) -> dict[str, str]:
    """The configuration of one topic."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        return {name: entry["value"] for name, entry in answer["topic"][topic].items()}
    finally:
        admin.close()


def create_topic(bootstrap: str, topic: str, partitions: int, config: dict[str, str] | None = None) -> None:
    """A topic that was there before us."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": config or {}}})
    finally:
        admin.close()
