"""Publishes the stream at a pace, whatever happens to the workers."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.topics import EVENTS
from tests.chaos.tally import Tally
from tests.oracle.judge import Message

__all__ = ["Feeder"]

_LARGEST: Final = 32 * 1024 * 1024
_BEAT_S: Final = 0.05


class Feeder:
    """Sends messages to their partitions with their own timestamps. ``ends`` are the offsets after the last ones."""

    def __init__(self, bootstrap: str, messages: Iterable[Message], per_second: int, tally: Tally) -> None:
        self.ends: dict[int, int] = {}
        self.finished = False
        self._bootstrap = bootstrap
        self._messages = iter(messages)
        self._per_second = per_second
        self._burst = 1
        self._tally = tally

    async def burst(self, factor: int, seconds: float) -> None:
        """Send ``factor`` times as fast for ``seconds``."""
        self._burst = factor
        await asyncio.sleep(seconds)
        self._burst = 1

    async def feed(self, seconds: float) -> None:
        """Send for ``seconds`` or to the end of the stream, and wait until the broker has all of it."""
        async with AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, max_request_size=_LARGEST, max_batch_size=65_536
        ) as producer:
            end = time.monotonic() + seconds
            due = 0.0
            while time.monotonic() < end and not self.finished:
                due += self._per_second * self._burst * _BEAT_S
                sent = await self._send(producer, int(due))
                due -= int(due)
                await asyncio.sleep(_BEAT_S)
                await self._acknowledged(sent)

    async def _send(self, producer: AIOKafkaProducer, count: int) -> list[asyncio.Future[object]]:
        sent: list[asyncio.Future[object]] = []
        for _ in range(count):
            message = next(self._messages, None)
            if message is None:
                self.finished = True
                break
            sent.append(
                await producer.send(
                    EVENTS.name, message.value, message.key, message.partition, timestamp_ms=message.timestamp_ms
                )
            )
        return sent

    async def _acknowledged(self, sent: list[asyncio.Future[object]]) -> None:
        for metadata in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(metadata, KafkaError):
                # Never in the topic as far as we know; what stands there is what is compared.
                self._tally.counts["message that the broker did not take"] += 1
            elif isinstance(metadata, BaseException):
                raise metadata
            else:
                partition, offset = metadata.partition, metadata.offset  # type: ignore[attr-defined]
                self.ends[partition] = max(self.ends.get(partition, 0), offset + 1)
                self._tally.counts["event"] += 1
