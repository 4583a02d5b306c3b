"""The Kafka topics of the public contract: name, key, and the configuration each needs to be correct.

Source of the names: docs/contract.md. A name is stable: backends and consumers depend on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "DEAD",
    "EVENTS",
    "INPUTS",
    "MAX_DEAD_LETTER_BYTES",
    "MAX_RECORD_BYTES",
    "REKEYED",
    "SIGNALS",
    "TOPICS",
    "TopicSpec",
    "changelog",
]

#: Largest record batch, in bytes, that the input topics take: an oversized event must reach the pipeline to be refused
#: with a reason. Its dead letter must fit with its headers.
MAX_RECORD_BYTES: Final = 12 * 1024 * 1024
MAX_DEAD_LETTER_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic: its name, what its key is, and its broker-side configuration."""

    name: str
    key: str
    config: Mapping[str, str] = field(default_factory=dict)


_DAY_MS = 24 * 60 * 60 * 1000
_RECORDS = {"cleanup.policy": "delete", "max.message.bytes": str(MAX_RECORD_BYTES)}

EVENTS: Final = TopicSpec("mp.events", "user_id, UTF-8", {**_RECORDS, "retention.ms": str(14 * _DAY_MS)})
REKEYED: Final = TopicSpec("mp.events.rekeyed", "user_id, UTF-8", {**_RECORDS, "retention.ms": str(14 * _DAY_MS)})
DEAD: Final = TopicSpec(
    "mp.events.dead",
    "the original key",
    {"cleanup.policy": "delete", "max.message.bytes": str(MAX_DEAD_LETTER_BYTES), "retention.ms": str(30 * _DAY_MS)},
)
SIGNALS: Final = TopicSpec(
    "mp.signals", "user_id, UTF-8", {"cleanup.policy": "delete", "retention.ms": str(14 * _DAY_MS)}
)

#: Topics the worker folds. Both have the same number of partitions: a user lives in one partition number.
INPUTS: Final = (EVENTS, REKEYED)
TOPICS: Final = (EVENTS, REKEYED, DEAD, SIGNALS)


def changelog(worker_id: str) -> TopicSpec:
    """The changelog of the ``users`` table of the Faust app ``worker_id``: compacted only, never expired."""
    return TopicSpec(f"{worker_id}-users-changelog", "app and user", {"cleanup.policy": "compact"})
