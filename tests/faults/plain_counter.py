"""The disease that the fault matrix must see: what one writes first with Faust, a table and ``+=``.

It counts the messages of each partition and publishes the counts as the pipeline does its progress. Run as a module,
with the settings of a worker.
"""

import asyncio
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import faust

from deploy.connection import clickhouse_sink
from deploy.settings import load_settings
from schemas.tables import RowBatch
from schemas.topics import EVENTS

__all__ = ["PROGRAM", "main"]

PROGRAM: Final = ("-m", "tests.faults.plain_counter")
_PUBLISH_EVERY_S: Final = 0.2
_NEVER_S: Final = 86_400.0


def main(day: int) -> None:
    """Count until killed. All messages are good ones of the local day ``day``."""
    settings = load_settings()
    app = faust.App(
        f"{settings.app_id}-plain",
        broker=f"kafka://{settings.kafka_bootstrap}",
        store="memory://",
        datadir=Path(gettempdir()) / settings.app_id,
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        web_enabled=False,
        broker_session_timeout=settings.session_timeout_s,
        broker_rebalance_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 6,
        # A commit just before a kill would hide what the kill does.
        broker_commit_interval=_NEVER_S,
    )
    counts = app.Table("counts", default=int, partitions=settings.partitions)
    sink = clickhouse_sink(settings)
    offsets: dict[int, int] = {}

    async def count(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            message = event.message
            counts[message.partition] += 1
            offsets[message.partition] = message.offset + 1

    async def publish() -> None:
        batch = RowBatch()
        for partition, offset in offsets.items():
            of_partition: tuple[Any, ...] = (settings.epoch, EVENTS.name, partition, offset, day, True)
            batch.add("progress", (*of_partition, counts[partition], counts[partition], 0, 0, 0, 0, 0, offset))
        await sink.write(batch)

    app.agent(app.topic(EVENTS.name, key_serializer="raw", value_serializer="raw"))(count)
    app.timer(_PUBLISH_EVERY_S)(publish)

    async def run() -> None:
        await app.start()
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    import sys

    main(int(sys.argv[1]))
