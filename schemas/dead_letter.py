"""Dead letters: a message that was refused, why, and where it stood.

In ``mp.events.dead`` the value is the original value byte for byte and the key the original key; the headers
below say why and from where. A crash may publish a dead letter twice; the origin tells the copies.
"""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["HEADERS", "DeadLetter", "Reason"]

#: ``invalid``: breaks the event contract. ``future``: event time more than 24 h after the record's own timestamp.
#: ``late``: its local day is older than the partition's watermark less the app's allowed lateness.
Reason = Literal["invalid", "future", "late"]

HEADERS: Final = ("reason", "detail", "topic", "partition", "offset")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused message. ``at_ms`` is the Kafka record's timestamp in milliseconds."""

    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    at_ms: int

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers, all UTF-8 text, in the order of ``HEADERS``."""
        texts = (self.reason, self.detail, self.topic, str(self.partition), str(self.offset))
        return [(name, text.encode()) for name, text in zip(HEADERS, texts, strict=True)]
