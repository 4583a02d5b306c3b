"""The Faust app: one agent over both input topics, one table, batched delivery."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final, cast

import faust
from aiokafka import AIOKafkaProducer
from faust.streams import Stream
from faust.transport.drivers.aiokafka import Producer
from faust.types import TP, StreamT

from schemas.topics import INPUTS, MAX_DEAD_LETTER_BYTES, changelog
from streams.changelog import KafkaWriter
from streams.health import Health
from streams.settings import StreamSettings
from streams.sink import Sink
from streams.table import UsersTable
from streams.transport import BatchConsumer, BatchTransport
from streams.worker import QUEUED_BATCHES, Worker

__all__ = ["RetentionApp", "create_app"]

_log = logging.getLogger(__name__)

#: Fetches of the changelog that Faust keeps, though the table has taken them in already; 1 means something else to it.
_RECOVERY_BATCHES: Final = 2
#: How often a recovery is looked at.
_LOOK_S: Final = 1.0
_FETCH_BYTES: Final = 2 * 1024 * 1024
_BATCH_BYTES: Final = 512 * 1024
#: ClickHouse may be away for long, during which nothing is polled.
_MAX_POLL_INTERVAL_S: Final = 7 * 24 * 3600.0


class RetentionApp(faust.App):
    """The Faust app with its worker attached."""

    worker: Worker
    health: Health
    stream_settings: StreamSettings
    sink: Sink

    def _create_directories(self) -> None:
        """Faust keeps nothing on disk."""


def create_app(settings: StreamSettings, sink: Sink) -> RetentionApp:
    """Wire the pipeline: Kafka → fold → ``sink``, changelog and acknowledgement. Nothing starts yet."""
    app = RetentionApp(settings.app_id, **_faust_settings(settings))
    app.transport = BatchTransport(app.conf.broker_consumer, app)
    app.stream_settings = settings
    app.sink = sink
    topic = changelog(settings.app_id)
    table = UsersTable(
        app,
        lambda numbers: app.worker.recover(table, numbers),
        settings.state_dir,
        name="users",
        partitions=settings.partitions,
        extra_topic_configs=topic.config,
        recovery_buffer_size=_RECOVERY_BATCHES,
    )
    app.tables.add(table)
    app.worker = Worker(
        settings,
        sink,
        KafkaWriter(partial(_running_producer, app), topic.name, settings.epoch),
        _Reader(app),
    )

    app.health = Health(
        app.worker, sink, partial(_ask_broker, app), partial(_end_of, app), partial(_recovered, app, table)
    )

    async def fold(stream: StreamT[Any]) -> None:
        try:
            async for event in cast("Stream[Any]", stream).noack().events():
                await cast("BatchConsumer", app.consumer).until_asked()
                await app.worker.take(event)
        except Exception as error:
            await app.crash(error)
            raise

    inputs = app.topic(*(topic.name for topic in INPUTS), key_serializer="raw", value_serializer="raw")
    app.agent(inputs, name="fold", concurrency=1)(fold)

    async def flush_beat() -> None:
        try:
            while not app.should_stop:
                await app.worker.until_due()
                await app.worker.flush()
        except Exception as error:
            if app.should_stop:
                _log.info("worker: the flush under way ended with the worker (%r)", error)
                return
            await app.crash(error)
            raise

    async def look_for_lost_fetches() -> None:
        while not app.should_stop:
            await asyncio.sleep(_LOOK_S)
            await table.look_for_lost_fetches()
            await app.worker.look_for_lost_fetches()

    async def drop(*_: Any, **__: Any) -> None:
        app.worker.revoke()

    app.task(flush_beat)
    app.task(look_for_lost_fetches)
    app.on_partitions_revoked.connect(drop)
    return app


def _running_producer(app: RetentionApp) -> AIOKafkaProducer:
    producer: AIOKafkaProducer = cast("Producer", app.producer)._ensure_producer()
    return producer


def _end_of(app: RetentionApp, tp: TP) -> int | None:
    return cast("BatchConsumer", app.consumer).end(tp)


def _recovered(app: RetentionApp, table: UsersTable) -> int | None:
    return table.fetches if app.consumer.assignment() else None


async def _ask_broker(app: RetentionApp) -> None:
    await _running_producer(app).client.fetch_all_metadata()


class _Reader:
    """The app's consumer, which exists only once the app has started."""

    def __init__(self, app: RetentionApp) -> None:
        self._app = app

    @property
    def _consumer(self) -> BatchConsumer:
        return cast("BatchConsumer", self._app.consumer)

    @property
    def generation(self) -> int:
        return self._app.consumer_generation_id

    def era(self, tp: TP) -> int:
        return self._consumer.era(tp)

    def fetched_to(self, tp: TP) -> int:
        return self._consumer.fetched_to(tp)

    async def go_to(self, positions: Mapping[TP, int]) -> None:
        await self._consumer.go_to(positions)

    async def prove_ownership(self, positions: Mapping[TP, int], generation: int) -> bool:
        return await self._consumer.prove_ownership(positions, generation)

    async def at_end(self, tp: TP, next_offset: int) -> bool:
        return await self._consumer.at_end(tp, next_offset)


def _faust_settings(settings: StreamSettings) -> Mapping[str, Any]:
    return {
        "broker": f"kafka://{settings.bootstrap}",
        "store": "memory://",
        "datadir": Path(gettempdir()) / settings.app_id,
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "web_enabled": False,
        # A revoked partition's events are dropped and read again; waiting for them would stall the rebalance.
        "stream_wait_empty": False,
        "stream_buffer_maxsize": QUEUED_BATCHES,
        "broker_max_poll_records": 5_000,
        "broker_max_poll_interval": _MAX_POLL_INTERVAL_S,
        "broker_session_timeout": settings.session_timeout_s,
        "broker_rebalance_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.session_timeout_s / 6,
        "broker_commit_interval": max(0.5, settings.flush_interval_s),
        "consumer_max_fetch_size": _FETCH_BYTES,
        "consumer_auto_offset_reset": "earliest",
        "producer_max_batch_size": _BATCH_BYTES,
        "producer_max_request_size": MAX_DEAD_LETTER_BYTES,
    }
