"""Fills the topic with a workload, in record batches, so that a million events take seconds.

Each message lies in its user's partition, by Kafka's default partitioner.
"""

import asyncio
from typing import Any, Final

import numpy as np
from aiokafka import AIOKafkaProducer
from numpy.typing import NDArray

from deploy.publisher import now_ms
from deploy.settings import Settings
from schemas.topics import EVENTS
from tests.bench.workload import Visits

__all__ = ["APP", "homes", "message", "publish", "publish_all"]

APP: Final = "wx1234567890abcdef"

_BATCH_BYTES: Final = 512 * 1024
_IN_FLIGHT: Final = 16
_USER_ID: Final = b"oABCD%022d"
_MESSAGE: Final = (
    b'{"event_id": "%032x", "app_id": "' + APP.encode() + b'", "user_id": "oABCD%022d", "event": "page_view", '
    b'"ts": %d, "scene": 1001, "platform": "ios", "page": "pages/index/index", "duration_ms": 1234}'
)
_USER_ID_BYTES: Final = 27


def message(number: int, user: int, at_ms: int) -> tuple[bytes, bytes]:
    """Key and value of event ``number``."""
    return _USER_ID % user, _MESSAGE % (number, user, at_ms)


def homes(users: int, partitions: int) -> NDArray[np.int64]:
    """The partition of each user: murmur2 of the user id, for all users at once.

    One by one, a million hashes would take longer than everything else.
    """
    ids = np.zeros((users, 28), np.uint8)
    ids[:, :5] = np.frombuffer(b"oABCD", np.uint8)
    rest = np.arange(users, dtype=np.int64)
    for place in range(_USER_ID_BYTES - 1, 4, -1):
        ids[:, place] = ord("0") + rest % 10
        rest //= 10
    words = ids.view("<u4")
    multiplier = np.uint32(0x5BD1E995)
    hashed = np.full(users, 0x9747B28C ^ _USER_ID_BYTES, np.uint32)
    for word in range(_USER_ID_BYTES // 4):
        mixed = words[:, word] * multiplier
        mixed ^= mixed >> np.uint32(24)
        hashed = (hashed * multiplier) ^ (mixed * multiplier)
    # Three bytes are left, and the fourth of the last word is zero.
    hashed = (hashed ^ words[:, -1]) * multiplier
    hashed ^= hashed >> np.uint32(13)
    hashed *= multiplier
    hashed ^= hashed >> np.uint32(15)
    positive: NDArray[np.int64] = (hashed & np.uint32(0x7FFFFFFF)).astype(np.int64)
    return positive % partitions


async def publish(settings: Settings, chosen: Visits, users: int, first_number: int = 0) -> None:
    """Publish ``chosen``; their event ids count up from ``first_number``. Returns when all are acknowledged."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, acks="all", max_batch_size=_BATCH_BYTES, request_timeout_ms=60_000
    )
    await producer.start()
    try:
        places = homes(users, settings.partitions)[chosen.users].tolist()
        batches = [producer.create_batch() for _ in range(settings.partitions)]
        sent: list[Any] = []
        at = now_ms()
        rows = zip(chosen.users.tolist(), chosen.at_ms.tolist(), places, strict=True)
        for number, (user, at_ms, place) in enumerate(rows, first_number):
            key, value = message(number, user, at_ms)
            if batches[place].append(timestamp=at, key=key, value=value) is None:
                sent.append(await producer.send_batch(batches[place], EVENTS.name, partition=place))
                batches[place] = producer.create_batch()
                batches[place].append(timestamp=at, key=key, value=value)
                if len(sent) >= _IN_FLIGHT:
                    await sent.pop(0)
        for place, batch in enumerate(batches):
            if batch.record_count():
                sent.append(await producer.send_batch(batch, EVENTS.name, partition=place))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def publish_all(settings: Settings, chosen: Visits, users: int, first_number: int = 0) -> None:
    """The same, for those without an event loop."""
    asyncio.run(publish(settings, chosen, users, first_number))
