"""One node of Apache Kafka, broker and controller at once (KRaft), as a process that ends with this one."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.embedded.service import EmbeddedService
from schemas.errors import Terminal
from tests.kafka.jars import jars, java
from tests.ports import reserve_port

__all__ = ["KafkaNode", "Member"]

_CLUSTER_ID: Final = "cmV0ZW50aW9uLXRlc3RzAA"
#: Two shared cores: one collector thread, the quick compiler alone.
_JAVA_OPTIONS: Final = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=ERROR")
_A_DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Member:
    """A node's number, its port for clients and its port as a controller."""

    number: int
    port: int
    controller_port: int

    @classmethod
    def new(cls, number: int) -> "Member":
        """On ports of its own."""
        return cls(number, reserve_port(), reserve_port())


class KafkaNode(EmbeddedService):
    """A node with its data on disk: killed and started again, it goes on with them on the same port."""

    #: After a kill it reads through all segments that were open, which takes long on a busy machine.
    start_deadline = 240.0

    flag = "the test's Member"

    def __init__(self, member: Member, members: Sequence[Member], folder: Path) -> None:
        """``members`` are all nodes of the cluster; ``folder`` takes data, properties and log of this one."""
        self.name = f"kafka-{member.number}"
        super().__init__(member.port, folder, explicit=True)
        self._folder = folder
        self._properties = folder / f"{self.name}.properties"
        self._data = folder / f"{self.name}-data"
        self._write_properties(member, members)

    def _write_properties(self, member: Member, members: Sequence[Member]) -> None:
        copies = len(members)
        least = max(1, copies - 1)
        properties = {
            "process.roles": "broker,controller",
            "node.id": member.number,
            "controller.quorum.voters": ",".join(f"{one.number}@{self.host}:{one.controller_port}" for one in members),
            "listeners": f"PLAINTEXT://{self.host}:{member.port},CONTROLLER://{self.host}:{member.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.host}:{member.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._data,
            "auto.create.topics.enable": "false",
            "min.insync.replicas": least,
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": least,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": least,
            "group.initial.rebalance.delay.ms": 0,
            # A node that was killed is out after 3 s instead of 9, so that its partitions move within a test.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            # The data are of years ago, by their records' timestamps too: retention must not come by.
            "log.initial.task.delay.ms": _A_DAY_MS,
            # Compaction within seconds, so that recovery meets it.
            "log.roll.ms": 2000,
            "log.cleaner.backoff.ms": 500,
            "log.cleaner.min.cleanable.ratio": 0.01,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")

    def format(self) -> None:
        """Make the data directory, once, before the first start. Raises Terminal when that fails."""
        tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._properties)]
        outcome = subprocess.run([*self._java(), *tool], capture_output=True, text=True, check=False)
        if outcome.returncode:
            raise Terminal(f"{self.name} cannot be formatted: {outcome.stderr.strip() or outcome.stdout.strip()}")

    def command(self) -> Sequence[str]:
        """Kafka's server by its main class."""
        return [*self._java(), "kafka.Kafka", str(self._properties)]

    def _java(self) -> list[str]:
        return [java(), *_JAVA_OPTIONS, "-cp", f"{jars()}/*"]

    def environment(self) -> Mapping[str, str]:
        """Ours without what would add to the options of Java."""
        return {name: value for name, value in os.environ.items() if name not in ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")}

    def answers(self) -> bool:
        """It takes connections."""
        try:
            socket.create_connection((self.host, self.port), timeout=5).close()
        except OSError:
            return False
        return True

    @property
    def running(self) -> bool:
        """Whether the node was started and neither killed nor stopped."""
        return self._process is not None and self._process.running

    def kill(self) -> None:
        """SIGKILL: nothing is written, nobody is told."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()
