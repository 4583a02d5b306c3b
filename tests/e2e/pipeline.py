"""A pipeline of real parts for end-to-end tests: a broker of its own, a database of its own, worker processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from clickhouse_connect import get_client

from deploy.cluster import end_offsets
from deploy.migrating import migrate_all
from deploy.settings import Settings, settings_environment
from schemas.apps import AppCatalog
from schemas.topics import EVENTS, REKEYED
from tests.kafka.broker import empty_broker
from tests.oracle.compare import assert_equal_views
from tests.oracle.judge import Message, judge
from tests.oracle.murmur2 import partition_of
from tests.oracle.tables import tables

__all__ = ["Pipeline", "WorkerProcess", "new_pipeline"]

PARTITIONS = 4
#: The arguments of Python that run a worker.
WORKER: Final = ("-m", "deploy.cli", "worker")
_DEADLINE_S = 90.0
#: Between two looks at the progress, each of which costs the processor a hundredth of a second.
_LOOK_S = 0.2
_LARGEST = 32 * 1024 * 1024


class WorkerProcess:
    """``retention worker``, or ``program``, in a process of its own."""

    def __init__(
        self,
        settings: Settings,
        log: Path,
        program: Sequence[str] = WORKER,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        #: Whether it should be running.
        self.expected = True
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *program],
                env={**os.environ, **settings_environment(settings), **(environment or {})},
                stdout=out,
                stderr=out,
            )

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        self.expected = False
        self.process.kill()
        self.process.wait()

    def wake(self) -> None:
        """SIGCONT, after a SIGSTOP."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM, and the exit status after the last flush."""
        self.expected = False
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def wait_until_it_says(self, words: str) -> None:
        """Wait until its log has ``words``; fails when it ends before."""
        deadline = time.monotonic() + _DEADLINE_S
        while words not in self.log.read_text():
            self.check()
            if time.monotonic() > deadline:
                raise AssertionError(f"no {words!r} in {self.log} within {_DEADLINE_S} s")
            time.sleep(_LOOK_S)

    def check(self) -> None:
        """Fail with the end of its log when the worker has ended."""
        if self.process.poll() is not None:
            tail = self.log.read_text()[-3000:]
            raise AssertionError(f"the worker ended with {self.process.returncode}:\n{tail}")


class Pipeline:
    """Topics, tables and workers of one test."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.workers: list[WorkerProcess] = []
        self._ends: dict[tuple[str, int], int] = {}
        self._folder = folder
        self.client = get_client(
            host=settings.clickhouse_url.split("/")[2].split(":")[0],
            port=int(settings.clickhouse_url.rsplit(":", 1)[1]),
            database=settings.clickhouse_database,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        self.client.close()

    def start_worker(
        self,
        program: Sequence[str] = WORKER,
        settings: Settings | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> WorkerProcess:
        """Start one more worker: with other ``settings`` than the pipeline's, more ``environment``, if need be."""
        log = self._folder / f"worker-{len(self.workers)}.log"
        worker = WorkerProcess(settings or self.settings, log, program, environment)
        self.workers.append(worker)
        return worker

    def home(self, user_id: str) -> int:
        """The partition where a user lives."""
        return partition_of(user_id.encode(), PARTITIONS)

    def publish(self, messages: Iterable[Message]) -> None:
        """Publish to ``mp.events``, each message to its own partition with its own timestamp, in order."""
        asyncio.run(self._publish(messages))

    def publish_one(self, value: bytes | None, key: bytes | None = None, partition: int = 0) -> None:
        """Publish one message now."""
        self.publish([Message(partition, -1, key, value, int(time.time() * 1000))])

    async def _publish(self, messages: Iterable[Message]) -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_bootstrap, max_request_size=_LARGEST, max_batch_size=65_536
        ) as producer:
            sent = [
                await producer.send(
                    EVENTS.name, message.value, message.key, message.partition, timestamp_ms=message.timestamp_ms
                )
                for message in messages
            ]
            for metadata in await asyncio.gather(*sent):
                self._ends[EVENTS.name, metadata.partition] = metadata.offset + 1

    def read(self, topic: str) -> list[Any]:
        """Every record of ``topic``."""
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[Any]:
        ends = end_offsets(self.settings, [topic])
        async with AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_LARGEST,
        ) as consumer:
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(partitions)
            records: list[Any] = []
            while any([await consumer.position(tp) < ends.get((topic, tp.partition), 0) for tp in partitions]):
                for of_partition in (await consumer.getmany(timeout_ms=1000)).values():
                    records += of_partition
            return records

    def wait_until_folded(self, deadline: float = _DEADLINE_S) -> None:
        """Wait until every published message is folded and published; a worker that has ended fails the test."""
        self._wait(self._ends, deadline)
        rekeyed = {(REKEYED.name, record.partition): record.offset + 1 for record in self.read(REKEYED.name)}
        self._wait(rekeyed, deadline)

    def wait_for_some_progress(self) -> None:
        """Wait until more is folded than at the call, and so by a worker that lives, or everything."""
        deadline = time.monotonic() + _DEADLINE_S
        published, before = sum(self._ends.values()), self._consumed()
        while (consumed := self._consumed()) <= before and consumed < published:
            self._check_workers()
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing folded within {_DEADLINE_S} s; logs: {self._folder}")
            time.sleep(_LOOK_S)

    def _consumed(self) -> int:
        (row,) = self.client.query("SELECT sum(consumed) FROM progress FINAL").result_rows
        return int(row[0])

    def is_folded(self) -> bool:
        """Whether everything published to ``mp.events`` is folded and published."""
        progress, _ = self._progress()
        return all(progress.get(tp, 0) >= end for tp, end in self._ends.items())

    def _progress(self) -> tuple[dict[tuple[str, int], int], bool]:
        """The next offset of each partition; whether all are published as read to their ends.

        A flush may publish the one before the other, and which days are settled hangs on both.
        """
        sql = f"SELECT topic, partition, offset, at_end FROM progress FINAL WHERE epoch = {self.settings.epoch}"
        rows = self.client.query(sql).result_rows
        offsets = {(topic, partition): offset for topic, partition, offset, _ in rows}
        return offsets, all(at_end for *_, at_end in rows)

    def _wait(self, ends: Mapping[tuple[str, int], int], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self._check_workers()
            progress, at_end = self._progress()
            if at_end and all(progress.get(tp, 0) >= end for tp, end in ends.items()):
                return
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not folded within {seconds} s: {progress}, want {ends}, all at their ends: {at_end}; "
                    f"logs: {self._folder}"
                )
            time.sleep(_LOOK_S)

    def _check_workers(self) -> None:
        for worker in self.workers:
            if worker.expected:
                worker.check()

    def assert_exact(self, *, restarted: bool = False, views: Sequence[str] | None = None) -> None:
        """Compare every view with brute force over what stands in ``mp.events``."""
        messages = [
            Message(record.partition, record.offset, record.key, record.value, record.timestamp)
            for record in self.read(EVENTS.name)
        ]
        judgement = judge(messages, self.settings.apps, PARTITIONS, self.settings.max_event_bytes)
        oracle = tables(judgement, self.settings.apps)
        assert_equal_views(self.client, oracle, views, restarted=restarted)


@contextmanager
def new_pipeline(
    clickhouse_url: str,
    database: str,
    folder: Path,
    apps: AppCatalog,
    *,
    bootstrap: str | None = None,
    **settings: Any,
) -> Iterator[Pipeline]:
    """A migrated pipeline with further ``settings``, on the broker at ``bootstrap`` or on an empty one."""
    with ExitStack() as stack:
        chosen = Settings(
            kafka_bootstrap=bootstrap or stack.enter_context(empty_broker(folder)),
            clickhouse_url=clickhouse_url,
            clickhouse_database=database,
            # A group and a changelog of its own: the broker may remember those of the test before.
            worker_id=f"retention-{uuid4().hex[:8]}",
            apps=apps,
            **{"partitions": PARTITIONS, "flush_interval_s": 0.2, "session_timeout_s": 6, **settings},
        )
        migrate_all(chosen)
        yield stack.enter_context(Pipeline(chosen, folder))
