"""The two changelog records that each partition has besides its users: its progress, and how far its flush reaches.

JSON, since they are one small record a flush and readable with any Kafka tool, between a version byte and a CRC-32.
"""

import json
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from schemas.errors import Terminal
from streams.codec import RESERVED, checked, sealed
from streams.core.progress import Progress, TopicProgress

__all__ = [
    "FLUSH_KEY",
    "PROGRESS_KEY",
    "FlushPoint",
    "decode_flush_point",
    "decode_progress",
    "encode_flush_point",
    "encode_progress",
]

_VERSION: Final = 1
#: The progress that is durable, and how far the last flush reaches.
PROGRESS_KEY: Final = RESERVED + b"progress"
FLUSH_KEY: Final = RESERVED + b"flush"


class FlushPoint(NamedTuple):
    """How far a flush reaches: the next offsets of both input topics, written before anything of it is published.

    ``term`` orders the owners of a partition: each has a higher one than those before it. What an owner writes that has
    been replaced without noticing is told by it.
    """

    term: int
    events: int
    rekeyed: int

    @property
    def order(self) -> tuple[int, int]:
        """Of two flush points the one with the higher order was written by the later owner, or later by the same."""
        return self.term, self.events + self.rekeyed


def encode_progress(progress: Progress) -> bytes:
    """The progress record."""
    return _encode(asdict(progress))


def decode_progress(record: bytes) -> Progress:
    """The progress in ``record``. Raises ``Terminal`` when it was damaged.

    Earlier builds did not write whether the rekeyed topic was at its end, and do not read it.
    """
    parts = _decode(record)
    events, rekeyed = TopicProgress(**parts["events"]), TopicProgress(**parts["rekeyed"])
    return Progress(events, rekeyed, parts.get("rekeyed_at_end", False))


def encode_flush_point(point: FlushPoint) -> bytes:
    """The flush record."""
    return _encode(point)


def decode_flush_point(record: bytes) -> FlushPoint:
    """The flush point in ``record``. Raises ``Terminal`` when it was damaged.

    Earlier builds wrote a whole progress record there.
    """
    parts = _decode(record)
    if isinstance(parts, list):
        return FlushPoint(*parts)
    return FlushPoint(0, parts["events"]["next_offset"], parts["rekeyed"]["next_offset"])


def _encode(parts: object) -> bytes:
    return sealed(bytes([_VERSION]) + json.dumps(parts, separators=(",", ":")).encode())


def _decode(record: bytes) -> Any:
    if checked(record)[0] != _VERSION:
        raise Terminal(f"a changelog record has version {record[0]}, this build reads {_VERSION}: upgrade this worker")
    return json.loads(record[1:-4])
