"""What the worker needs to know, given once by whoever starts it."""

from dataclasses import dataclass, field
from pathlib import Path

from schemas.apps import AppCatalog

__all__ = ["StreamSettings"]


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Settings of one worker.

    ``app_id`` is the Faust app's id: consumer group and prefix of the changelog topic; it changes with ``epoch``.
    ``partitions`` is the number of partitions of both input topics and of the changelog. Times are seconds.
    """

    bootstrap: str
    app_id: str
    epoch: int = 1
    partitions: int = 4
    replication: int = 1
    apps: AppCatalog = field(default_factory=AppCatalog)
    flush_interval_s: float = 0.5
    session_timeout_s: float = 8.0
    max_event_bytes: int = 262_144
    #: Where the states of users at rest are kept; ``None`` for memory.
    state_dir: Path | None = None
    web_host: str = "127.0.0.1"
    web_port: int = 0
    #: Back-pressure: folded messages that wait for ClickHouse and the changelog have about so many bytes at most.
    max_unflushed_bytes: int = 64 * 1024 * 1024
