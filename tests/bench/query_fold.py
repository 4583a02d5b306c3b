"""Raw events through the real pipeline, into a database that may hold other apps already."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from deploy.embedded.broker import EmbeddedBroker
from deploy.folding import wait_until_folded
from deploy.migrating import migrate_all
from deploy.publisher import Publisher
from deploy.settings import Settings, settings_environment
from schemas.topics import EVENTS
from tests.bench.query_cells import PARTITIONS

__all__ = ["fold"]


def fold(lines: list[tuple[str, str]], clickhouse_url: str, database: str, log_dir: Path, epoch: int) -> None:
    """Publish ``lines`` (user and JSON) to a broker of their own, and let one worker fold them into ``database``."""
    with EmbeddedBroker(None, log_dir) as broker:
        settings = Settings(
            kafka_bootstrap=broker.bootstrap,
            clickhouse_url=clickhouse_url,
            clickhouse_database=database,
            partitions=PARTITIONS,
            epoch=epoch,
            session_timeout_s=8,
        )
        migrate_all(settings)
        asyncio.run(_publish(settings, lines))
        worker = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "worker"],
            env={**os.environ, **settings_environment(settings), "RETENTION_LOG_LEVEL": "WARNING"},
        )

        def check() -> None:
            if worker.poll() is not None:
                raise SystemExit(f"the worker ended with {worker.returncode}")

        try:
            wait_until_folded(settings, check, lambda _done, _total: None)
        finally:
            worker.terminate()
            worker.wait()


async def _publish(settings: Settings, lines: list[tuple[str, str]]) -> None:
    async with Publisher(settings, EVENTS.name) as publisher:
        for user, line in lines:
            await publisher.publish(user.encode(), line.encode())
