"""The configured Kafka cluster: whether it answers, an admin client of it, and how far its topics reach."""

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError

from deploy.settings import PREFIX, Settings
from schemas.errors import Terminal, Transient

__all__ = ["end_offsets", "kafka_admin", "partition_count", "reached"]

_TIMEOUT_MS: Final = 5_000


@contextmanager
def kafka_admin(settings: Settings) -> Iterator[Any]:
    """An admin client of the configured cluster.

    Raises:
        Transient: no broker answers.
    """
    with reached(settings):
        client = KafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap.split(","),
            bootstrap_timeout_ms=_TIMEOUT_MS,
            request_timeout_ms=4 * _TIMEOUT_MS,
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def reached(settings: Settings) -> Iterator[None]:
    """Make sure that a broker listens before a client is made, and name the failures of what is done with it.

    Raises:
        Transient: no broker answers.
    """
    # A client that finds nobody tries for long, and leaves its sockets open when it gives up.
    _knock(settings)
    try:
        yield
    except KafkaError as error:
        raise _away(settings, type(error).__name__) from error


def _knock(settings: Settings) -> None:
    why = ""
    for broker in settings.kafka_bootstrap.split(","):
        host, _, port = broker.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_MS / 1000).close()
        except OSError as error:
            why = error.strerror or str(error)
        else:
            return
    raise _away(settings, why)


def _away(settings: Settings, why: str) -> Transient:
    return Transient(
        f"Kafka at {settings.kafka_bootstrap} does not answer ({why}): start it, or set {PREFIX}KAFKA_BOOTSTRAP"
    )


def partition_count(settings: Settings, topic: str) -> int:
    """Number of partitions of ``topic``.

    Raises:
        Transient: no broker answers.
        Terminal: the topic is missing.
    """
    with kafka_admin(settings) as admin:
        if topic not in admin.list_topics():
            raise Terminal(f"topic {topic} is missing: run 'retention migrate'")
        return len(admin.describe_topics([topic])[0]["partitions"])


def end_offsets(settings: Settings, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """The offset after the last record of every partition of ``topics``, as of this call or later.

    The end is what a fetch there says, because a broker may list an offset inside its last batch as the end.

    Raises:
        Transient: no broker answers.
    """
    with reached(settings):
        consumer = KafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap.split(","),
            bootstrap_timeout_ms=_TIMEOUT_MS,
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=20,
        )
        try:
            known = consumer.topics()
            partitions = [
                TopicPartition(topic, number)
                for topic in topics
                if topic in known
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            return _ends(consumer, partitions) if partitions else {}
        finally:
            consumer.close()


def _ends(consumer: Any, partitions: list[TopicPartition]) -> dict[tuple[str, int], int]:
    consumer.assign(partitions)
    listed = consumer.end_offsets(partitions)
    for partition, offset in listed.items():
        consumer.seek(partition, offset)
    deadline = time.monotonic() + _TIMEOUT_MS / 1000
    while any(consumer.highwater(one) is None for one in partitions):
        if time.monotonic() > deadline:
            raise KafkaTimeoutError("a partition does not say where it ends")
        consumer.poll(timeout_ms=50)
    return {(one.topic, one.partition): max(listed[one], consumer.highwater(one)) for one in partitions}
