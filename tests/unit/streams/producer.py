"""A producer in memory: it notes each batch when it is sent and when it is acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from schemas.topics import DEAD, REKEYED, changelog
from streams.positions import FLUSH_KEY, PROGRESS_KEY

__all__ = ["CHANGELOG", "Happens", "Producer", "Sent"]

CHANGELOG = changelog("test").name

#: Told the stage of a flush and whether it begins or has ended.
Happens = Callable[[str, str], Awaitable[None]]


class Sent(NamedTuple):
    """A record that a broker has acknowledged."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


class Producer:
    """Takes batches as aiokafka's producer does; each is on its way for some turns of the event loop."""

    def __init__(self, happens: Happens, arrive: Callable[[str, list[Sent]], None]) -> None:
        """``arrive`` takes the records of a batch that is acknowledged."""
        self._happens = happens
        self._arrive = arrive

    def create_batch(self) -> "Batch":
        return Batch()

    async def send_batch(self, batch: "Batch", topic: str, *, partition: int) -> Awaitable[None]:
        sent = [Sent(partition, key, value, headers) for key, value, headers in batch.records]
        return asyncio.ensure_future(self._deliver(sent, topic))

    async def _deliver(self, batch: list[Sent], topic: str) -> None:
        stage = _stage(topic, batch[0].key)
        await self._happens(stage, "begin")
        for _ in range(3):
            await asyncio.sleep(0)
        self._arrive(topic, batch)
        await self._happens(stage, "end")


class Batch:
    """The records of one batch."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = []

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: int | None, headers: Any) -> object:
        self.records.append((key, value, dict(headers)))
        return timestamp or True


def _stage(topic: str, key: bytes | None) -> str:
    if topic != CHANGELOG:
        return {DEAD.name: "dead letters", REKEYED.name: "rekeyed"}[topic]
    return {FLUSH_KEY: "flush point", PROGRESS_KEY: "progress record"}.get(key or b"", "user records")
