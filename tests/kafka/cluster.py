"""A cluster of Apache Kafka on this machine, of one node or of three."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from tests.kafka.node import KafkaNode, Member

__all__ = ["ApacheKafka"]

_READY_S: Final = 180.0
_GONE_S: Final = 60.0
_A_CENTURY_MS: Final = 100 * 366 * 24 * 60 * 60 * 1000


class ApacheKafka:
    """Nodes 1 to ``nodes``, every topic of the cluster's own as often as there are nodes, one of them dispensable."""

    def __init__(self, folder: Path, nodes: int = 1) -> None:
        """``folder`` takes data and logs; nothing starts yet."""
        members = [Member.new(number) for number in range(1, nodes + 1)]
        self._nodes = {member.number: KafkaNode(member, members, folder) for member in members}
        self.bootstrap = ",".join(f"127.0.0.1:{member.port}" for member in members)

    def start(self) -> Self:
        """Format and start all nodes, and wait until each is part of the cluster."""
        try:
            with ThreadPoolExecutor(len(self._nodes)) as pool:
                list(pool.map(KafkaNode.format, self._nodes.values()))
                list(pool.map(KafkaNode.start, self._nodes.values()))
            self._wait_for(len(self._nodes))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all nodes; what they hold is not wanted any more."""
        for node in self._nodes.values():
            if node.running:
                node.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def kill(self, number: int) -> None:
        """SIGKILL to a node."""
        self._nodes[number].kill()

    def restart(self, number: int) -> None:
        """Start a node that was killed, on its old port with its old data, and wait until it is back."""
        self._nodes[number].start()
        self._wait_for(sum(node.running for node in self._nodes.values()))

    def leaders(self, topic: str) -> dict[int, int]:
        """The node that leads each partition of ``topic``."""
        with self._admin() as admin:
            described = admin.describe_topics([topic])[0]["partitions"]
            return {one["partition_index"]: one["leader_id"] for one in described}

    def clear(self) -> None:
        """Delete all topics but Kafka's own, and wait until none is listed any more."""
        end = time.monotonic() + _GONE_S
        with self._admin() as admin:
            topics = _listed(admin)
            if topics:
                admin.delete_topics(topics)
            while left := _listed(admin):
                if time.monotonic() > end:
                    raise AssertionError(f"{left} are still listed {_GONE_S:g} s after they were deleted")
                time.sleep(0.05)

    def keep_segments(self, topic: str) -> None:
        """Let ``topic`` begin no segment because time has passed.

        Kafka goes by the timestamps of records. Those that span years in minutes would leave thousands of segments,
        each of which a node reads when it was killed.
        """
        with self._admin() as admin:
            change = {"segment.ms": str(_A_CENTURY_MS)}
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, change)])

    def _wait_for(self, nodes: int) -> None:
        end = time.monotonic() + _READY_S
        while True:
            try:
                with self._admin() as admin:
                    seen = len(admin.describe_cluster()["brokers"])
            except KafkaError as error:
                seen, why = 0, f": {error!r}"
            else:
                why = ""
            if seen == nodes:
                return
            if time.monotonic() > end:
                raise AssertionError(f"{seen} of {nodes} Kafka nodes are there after {_READY_S:g} s{why}")
            time.sleep(0.1)

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        living = [f"{node.host}:{node.port}" for node in self._nodes.values() if node.running]
        client = KafkaAdminClient(bootstrap_servers=living, bootstrap_timeout_ms=5000)
        try:
            yield client
        finally:
            client.close()


def _listed(admin: Any) -> list[str]:
    return [name for name in admin.list_topics() if not name.startswith("__")]
