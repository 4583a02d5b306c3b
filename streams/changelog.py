"""Writes of a flush to Kafka: changelog batches, the progress record, dead letters and rekeyed messages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from schemas.dead_letter import DeadLetter
from schemas.errors import Terminal
from schemas.topics import DEAD, EVENTS, MAX_RECORD_BYTES, REKEYED
from streams.core.partition_fold import EPOCH_HEADER, Rekeyed
from streams.positions import FLUSH_KEY, PROGRESS_KEY

__all__ = ["KafkaWriter"]

_log = logging.getLogger(__name__)
_RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

#: Of a longer key a dead letter keeps the beginning; no user id is near it.
_KEY_BYTES: Final = 1024 * 1024

Headers = list[tuple[str, bytes]]


#: Key, value, timestamp and headers.
_Record = tuple[bytes | None, bytes | None, int | None, Headers | None]


class KafkaWriter:
    """Each write returns when the broker has acknowledged it, and waits for a broker that is away.

    Writes are whole record batches: a send per record costs about 45 µs, most of it in the producer's bookkeeping.
    """

    def __init__(self, producer: Callable[[], aiokafka.AIOKafkaProducer], changelog_topic: str, epoch: int) -> None:
        """``producer`` gives the running producer; forwarded messages carry ``epoch``."""
        self._producer = producer
        self._epoch = str(epoch).encode()
        self._changelog = changelog_topic

    async def changelog(self, partition: int, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Write user records. Writing them again is harmless: per key the highest position wins."""
        await self._write(self._changelog, partition, [(key, value, None, None) for key, value in records])

    async def flush_point(self, partition: int, record: bytes) -> None:
        """Write down, before anything is published, how far the flush reaches."""
        await self._write(self._changelog, partition, [(FLUSH_KEY, record, None, None)])

    async def progress(self, partition: int, record: bytes) -> None:
        """Write the progress record in a batch of its own.

        Some brokers report the end of a partition as the base offset of its last batch + 1; a last batch of one record
        makes that the true end, so recovery reads everything.
        """
        await self._write(self._changelog, partition, [(PROGRESS_KEY, record, None, None)])

    async def dead_letters(self, partition: int, letters: Iterable[DeadLetter]) -> None:
        """Publish refused messages as they were, with reason and origin in the headers."""
        records = [_dead_letter(letter) for letter in letters]
        await self._write(DEAD.name, partition, records)

    async def rekey(self, partition: int, messages: Iterable[Rekeyed]) -> None:
        """Forward messages to the partitions where their users live, with their origin in the headers."""
        by_home: dict[int, list[_Record]] = {}
        for message in messages:
            origin = [
                ("topic", EVENTS.name.encode()),
                ("partition", str(partition).encode()),
                ("offset", str(message.origin_offset).encode()),
                (EPOCH_HEADER, self._epoch),
            ]
            by_home.setdefault(message.partition, []).append(
                (message.user_id.encode(), message.value, message.timestamp, origin)
            )
        for home, records in by_home.items():
            await self._write(REKEYED.name, home, records)

    async def _write(self, topic: str, partition: int, records: Sequence[_Record]) -> None:
        attempt = 0
        while records:
            try:
                await asyncio.gather(*await self._send(topic, partition, records))
            except KafkaError as error:
                if not error.retriable:
                    raise Terminal(f"Kafka refuses records for {topic}: {error!r}; see `retention doctor`") from error
                pause = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
                _log.warning("kafka: writing to %s-%d failed (%r), next try in %.1f s", topic, partition, error, pause)
                attempt += 1
                await asyncio.sleep(pause)
            else:
                return

    async def _send(self, topic: str, partition: int, records: Sequence[_Record]) -> list[Awaitable[Any]]:
        producer = self._producer()
        batch = producer.create_batch()
        sent = []
        for key, value, timestamp, headers in records:
            if batch.append(key=key, value=value, timestamp=timestamp, headers=headers or []) is None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                if batch.append(key=key, value=value, timestamp=timestamp, headers=headers or []) is None:
                    raise Terminal(f"a record for {topic} does not fit into an empty batch")
        sent.append(await producer.send_batch(batch, topic, partition=partition))
        return sent


def _dead_letter(letter: DeadLetter) -> _Record:
    """The message as it was; of one that no topic holds uncompressed, the beginning and its size in the headers."""
    key, value, headers = letter.key, letter.value, letter.headers()
    if value is not None and len(value) > MAX_RECORD_BYTES:
        headers.append(("cut_from_bytes", str(len(value)).encode()))
        value = value[:MAX_RECORD_BYTES]
    if key is not None:
        key = key[:_KEY_BYTES]
    return key, value, letter.at_ms, headers
