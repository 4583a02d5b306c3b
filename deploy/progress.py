"""How far the worker has come, as it publishes it with the tables."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Final

from deploy.clickhouse import rows
from deploy.settings import Settings
from schemas.topics import EVENTS, REKEYED

__all__ = ["PartitionProgress", "Totals", "behind", "read_progress", "totals"]

Partition = tuple[str, int]
_COUNTERS: Final = ("consumed", "accepted", "duplicate", "late", "future", "invalid", "rekeyed")


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """One partition: the next offset to read, the watermark (days since 1970-01-01), what became of its messages."""

    offset: int
    watermark: int | None
    consumed: int
    accepted: int
    duplicate: int
    late: int
    future: int
    invalid: int
    rekeyed: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of all messages of ``mp.events``; a rekeyed one is counted where it was folded."""

    events: int
    accepted: int
    duplicate: int
    late: int
    future: int
    invalid: int

    @property
    def dead(self) -> dict[str, int]:
        """Refused messages by reason."""
        return {"late": self.late, "future": self.future, "invalid": self.invalid}


def read_progress(settings: Settings) -> dict[Partition, PartitionProgress]:
    """Progress of the configured epoch by topic and partition. Raises as ``deploy.clickhouse.ask`` does."""
    # The epoch that is worked on, which need not be the one that the views show.
    sql = (
        f"SELECT topic, partition, offset, watermark, {', '.join(_COUNTERS)} FROM progress FINAL "
        f"WHERE epoch = {settings.epoch}"
    )
    progress = {}
    for topic, partition, offset, watermark, *counters in rows(settings, sql):
        day = None if watermark is None else (date.fromisoformat(watermark) - date(1970, 1, 1)).days
        counts = dict(zip(_COUNTERS, map(int, counters), strict=True))
        progress[topic, int(partition)] = PartitionProgress(offset=int(offset), watermark=day, **counts)
    return progress


def behind(progress: Mapping[Partition, PartitionProgress], ends: Mapping[Partition, int]) -> int:
    """Messages that are not folded yet. ``ends`` must have been read after ``progress``.

    A message that was forwarded may be counted before it shows in the end of ``mp.events.rekeyed``, so what was
    forwarded is compared with what was read there, too.
    """
    unread = sum(max(0, end - (progress[key].offset if key in progress else 0)) for key, end in ends.items())
    forwarded = sum(one.rekeyed for (topic, _), one in progress.items() if topic == EVENTS.name)
    received = sum(one.consumed for (topic, _), one in progress.items() if topic == REKEYED.name)
    return max(unread, forwarded - received)


def totals(progress: Mapping[Partition, PartitionProgress]) -> Totals:
    """Sum the counters over all partitions."""
    first = [one for (topic, _), one in progress.items() if topic == EVENTS.name]
    second = [one for (topic, _), one in progress.items() if topic == REKEYED.name]
    both = (*first, *second)
    return Totals(
        events=sum(one.consumed for one in first),
        **{field.name: sum(getattr(one, field.name) for one in both) for field in fields(Totals)[1:]},
    )
