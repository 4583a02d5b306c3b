"""The services of one generation: a broker of either kind and ClickHouse, each of which can fail and come back."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from schemas.topics import INPUTS
from tests.chaos.proxy import Proxy
from tests.kafka.cluster import ApacheKafka

__all__ = ["BrokerKind", "Services", "running_services"]

BrokerKind = Literal["embedded", "apache"]

_NODE: Final = 1


class Services:
    """A broker at ``bootstrap``, ClickHouse at ``clickhouse.url``, and the proxy that workers reach it by."""

    def __init__(self, broker: EmbeddedBroker | ApacheKafka, clickhouse: EmbeddedClickHouse, proxy: Proxy) -> None:
        self.clickhouse = clickhouse
        self.proxy = proxy
        self._broker = broker

    @property
    def bootstrap(self) -> str:
        """Where Kafka clients connect."""
        return self._broker.bootstrap

    @property
    def broker_survives(self) -> bool:
        """Whether what the broker acknowledged outlives it; the embedded one keeps everything in memory."""
        return isinstance(self._broker, ApacheKafka)

    def topics_exist(self) -> None:
        """To be called when they have been created."""
        if isinstance(self._broker, ApacheKafka):
            for topic in INPUTS:
                self._broker.keep_segments(topic.name)

    async def crash_broker(self, seconds: float) -> None:
        """Kill -9, and after ``seconds`` start it again with its data. One call at a time."""
        if isinstance(self._broker, ApacheKafka):
            await asyncio.to_thread(self._broker.kill, _NODE)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self._broker.restart, _NODE)

    async def stall_broker(self, seconds: float) -> None:
        """Let the embedded broker stand still for ``seconds``, as a machine that swaps does."""
        if isinstance(self._broker, EmbeddedBroker):
            os.kill(self._broker.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                os.kill(self._broker.pid, signal.SIGCONT)

    async def stop_clickhouse(self, seconds: float, *, crash: bool) -> None:
        """Stop ClickHouse, or kill it, and after ``seconds`` start it again on its data."""
        if crash:
            os.kill(self.clickhouse.pid, signal.SIGKILL)
        await asyncio.to_thread(self.clickhouse.stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.clickhouse.start)
        self.proxy.upstream = self.clickhouse.url


@asynccontextmanager
async def running_services(kind: BrokerKind, folder: Path, chance: random.Random) -> AsyncIterator[Services]:
    """Fresh services with their data and logs in ``folder``."""
    clickhouse = EmbeddedClickHouse(folder / "clickhouse", None, folder)
    broker = EmbeddedBroker(None, folder) if kind == "embedded" else ApacheKafka(folder / "kafka")
    try:
        await asyncio.gather(asyncio.to_thread(broker.start), asyncio.to_thread(clickhouse.start))
        async with Proxy(clickhouse.url, chance) as proxy:
            yield Services(broker, clickhouse, proxy)
    finally:
        broker.stop()
        clickhouse.stop()
