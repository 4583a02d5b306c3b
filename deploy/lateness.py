"""What the pipeline would refuse by time, found out before anything is published.

The watermark of a partition starts where the worker published it, moves over what is in the topic but not folded yet,
and then over the messages to be published, exactly as the worker will move it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.cluster import end_offsets
from deploy.progress import PartitionProgress
from deploy.settings import Settings
from schemas.apps import AppCatalog
from schemas.dead_letter import Reason
from schemas.errors import InvalidEvent
from schemas.event import CHECK_IN, Event
from schemas.topics import EVENTS, MAX_RECORD_BYTES
from schemas.validator import EventValidator
from streams.core.app_fold import AppFold

__all__ = ["Candidate", "TimeCheck", "read_unfolded"]

_FUTURE_MS: Final = 24 * 60 * 60 * 1000
_FETCH_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that is in the topic or about to be: its partition, value and Kafka timestamp in milliseconds."""

    partition: int
    value: bytes
    at_ms: int


class TimeCheck:
    """Judges messages by time, in the order in which they are, or will be, in their partitions."""

    def __init__(self, apps: AppCatalog, max_event_bytes: int, watermarks: Mapping[int, int]) -> None:
        """Start from ``watermarks``: days since 1970-01-01 by partition, none where nothing was folded yet."""
        self._apps = apps
        self._validator = EventValidator(apps, max_event_bytes)
        self._rules: dict[str, AppFold] = {}
        self.watermarks = dict(watermarks)

    def judge(self, candidates: list[Candidate]) -> Iterator[Reason | None]:
        """For each message ``late`` or ``future``, or ``None`` when its time is no reason to refuse it."""
        events = self._validator.validate([candidate.value for candidate in candidates])
        for candidate, event in zip(candidates, events, strict=True):
            yield None if isinstance(event, InvalidEvent) else self._judge(candidate, event)

    def _judge(self, candidate: Candidate, event: Event) -> Reason | None:
        app = self._rules.get(event["app_id"])
        if app is None:
            settings = self._apps.get(event["app_id"])
            if settings is None:
                return None
            app = self._rules[event["app_id"]] = AppFold(event["app_id"], settings)
        day = app.calendar.local_day(event["ts"])
        if event["event"] == CHECK_IN and not app.may_fill(event, day):
            return None
        if event["ts"] > candidate.at_ms + _FUTURE_MS:
            return "future"
        watermark = self.watermarks.get(candidate.partition, day)
        if day >= watermark:
            self.watermarks[candidate.partition] = day
        return "late" if day < watermark - app.settings.allowed_lateness else None


async def read_unfolded(
    settings: Settings, progress: Mapping[tuple[str, int], PartitionProgress], check: TimeCheck
) -> int:
    """Move the watermarks of ``check`` over the messages that wait in ``mp.events``; returns how many there are.

    Raises:
        Transient: no broker answers.
    """
    ends = {partition: end for (_, partition), end in end_offsets(settings, [EVENTS.name]).items()}
    folded = {partition: one.offset for (topic, partition), one in progress.items() if topic == EVENTS.name}
    waiting = [partition for partition, end in ends.items() if folded.get(partition, 0) < end]
    if not waiting:
        return 0
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap.split(","),
        enable_auto_commit=False,
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(EVENTS.name, number) for number in waiting]
        consumer.assign(partitions)
        for one, earliest in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(one, max(earliest, folded.get(one.partition, 0)))
        read = 0
        while behind := [one for one in partitions if await consumer.position(one) < ends[one.partition]]:
            for one, records in (await consumer.getmany(*behind, timeout_ms=_FETCH_MS)).items():
                candidates = [Candidate(one.partition, record.value or b"", record.timestamp) for record in records]
                for _ in check.judge(candidates):
                    read += 1
        return read
    finally:
        await consumer.stop()
