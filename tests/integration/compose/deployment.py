"""Our services of docker-compose.yml as processes of this machine: same command, same variables, other addresses."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from schemas.topics import EVENTS
from tests.unit.project.compose_file import services, variables

__all__ = ["Deployment", "eventually"]

#: The image's entrypoint: the console script of the package.
ENTRYPOINT: Final = str(Path(sys.executable).with_name("retention"))
PASSWORDS: Final = {name: f"secret-{number}" for number, (name, required) in enumerate(variables().items()) if required}


def eventually(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until ``true``; fail with ``what`` when it does not come to pass."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Deployment:
    """Where Kafka and ClickHouse listen here, and a folder for what the services write."""

    bootstrap: str
    url: str
    folder: Path

    def environment(self, service: str) -> dict[str, str]:
        """The container's variables, and nothing of ours but what a process needs to run."""
        found = services(PASSWORDS)[service]["environment"]
        here = {"kafka:19092": self.bootstrap, "http://clickhouse:8123": self.url}
        given = {name: here.get(value, value) for name, value in found.items()}
        assert "kafka:" not in str(given)
        assert "clickhouse:" not in str(given)
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **given}

    def run(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run the service's command, or another in its place, to its end."""
        return subprocess.run(
            [ENTRYPOINT, *(command or services()[service]["command"])],
            env=self.environment(service),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    @contextmanager
    def running(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start the service; at the end stop it as Compose does, by SIGTERM and then by SIGKILL."""
        log = self.folder / f"{service}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [ENTRYPOINT, *services()[service]["command"]],
                env=self.environment(service),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")[-2000:]
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def select(self, query: str) -> str:
        """The answer of ClickHouse, as text."""
        with urllib.request.urlopen(f"{self.url}/?{urllib.parse.urlencode({'query': query})}", timeout=30) as answer:
            text: str = answer.read().decode().strip()
        return text

    def publish(self, user_id: str) -> None:
        """Publish one event of the public contract, as a backend would."""
        event = {"event_id": f"e-{user_id}", "app_id": "shop", "user_id": user_id, "event": "app_open"}
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        value = json.dumps({**event, "ts": int(time.time() * 1000)}).encode()
        producer.send(EVENTS.name, key=user_id.encode(), value=value).get(timeout=30)
        producer.close()

    def published(self) -> int:
        """How many records the events topic holds at least, by what the broker lists as the ends of its partitions."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        numbers = consumer.partitions_for_topic(EVENTS.name) or ()
        ends = consumer.end_offsets([TopicPartition(EVENTS.name, number) for number in numbers])
        consumer.close()
        return sum(ends.values())
