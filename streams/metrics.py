"""What a worker tells a monitoring system, in the Prometheus text format; ``/metrics`` serves it.

Counting must cost next to nothing: what is counted per event is counted a flush at a time, over lists that are sorted
and cut by bisection, or as differences of the counters that the flush publishes anyway.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from schemas.tables import TABLES, RowBatch
from schemas.topics import EVENTS, INPUTS, REKEYED
from streams.partition import Partition, PartitionFlush

__all__ = ["LATENCY_BOUNDS_S", "OUTCOMES", "STAGES", "FlushTimer", "Metrics", "VisibleLatency"]

#: Upper bounds of the buckets, in seconds: close together where a flush interval of half a second puts them.
LATENCY_BOUNDS_S: Final = (
    *(0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    *(1.25, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
_FLUSH_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)

#: What becomes of a message: columns of the table ``progress``. For ``mp.events`` they add up to ``consumed``.
OUTCOMES: Final = ("accepted", "duplicate", "late", "future", "invalid", "rekeyed")
_COUNTERS: Final = ("consumed", *OUTCOMES)
_COLUMNS: Final = tuple(TABLES["progress"].columns)
_TOPIC, _PARTITION, _FIRST_COUNTER = (_COLUMNS.index(name) for name in ("topic", "partition", "consumed"))

#: The stages of a delivery, in order. The rows of a flush are visible once ``clickhouse`` is over.
STAGES: Final = ("flush_point", "ownership", "forward", "clickhouse", "changelog", "progress")
_VISIBLE: Final = "clickhouse"
#: What comes before them: computing the rows and records, in which nothing else runs.
_BUILD: Final = "build"


#: Of a fetch of more messages than this, each run of so many neighbours counts by the timestamp of its first: only a
#: worker that catches up fetches so many, and then a timestamp of each would cost a hundredth of the whole work.
_LARGE_FETCH: Final = 500
_RUN: Final = 8


class _Timestamped(Protocol):
    timestamp: int


class _Waiting:
    """Timestamps of messages that are folded and not visible yet: of single ones, and of runs of ``_RUN``."""

    __slots__ = ("runs", "singles")

    def __init__(self) -> None:
        self.singles: list[int] = []
        self.runs: list[int] = []

    def add(self, messages: Sequence[_Timestamped]) -> None:
        in_runs = len(messages) // _RUN * _RUN if len(messages) > _LARGE_FETCH else 0
        self.runs += [message.timestamp for message in messages[:in_runs:_RUN]]
        self.singles += [message.timestamp for message in messages[in_runs:]]

    def add_all(self, other: "_Waiting") -> None:
        self.runs += other.runs
        self.singles += other.singles


class VisibleLatency(Collector):
    """The histogram of the time from a message's Kafka timestamp until its rows are confirmed by ClickHouse."""

    def __init__(self) -> None:
        """No message yet."""
        self._counts = [0] * len(LATENCY_BOUNDS_S)
        self._count = 0
        self._sum_s = 0.0

    def observe(self, timestamps_ms: list[int], now_ms: float, weight: int = 1) -> None:
        """Count ``weight`` messages for each of ``timestamps_ms``, sorted in place, as visible at ``now_ms``."""
        # Nearly sorted already, a run per partition, which is what this sort is quick at.
        timestamps_ms.sort()
        count = len(timestamps_ms)
        for index, bound in enumerate(LATENCY_BOUNDS_S):
            self._counts[index] += weight * (count - bisect_left(timestamps_ms, now_ms - bound * 1000))
        self._count += weight * count
        self._sum_s += weight * (count * now_ms - sum(timestamps_ms)) / 1000

    def collect(self) -> Iterator[Metric]:
        """The histogram as it stands."""
        buckets = [(str(bound), float(count)) for bound, count in zip(LATENCY_BOUNDS_S, self._counts, strict=True)]
        yield HistogramMetricFamily(
            "retention_visible_latency_seconds",
            "From the Kafka timestamp of a message until ClickHouse has confirmed the rows of the flush that holds it",
            buckets=[*buckets, ("+Inf", float(self._count))],
            sum_value=self._sum_s,
        )


class Metrics:
    """The metrics of one worker, in a registry of its own. All methods run on the worker's event loop."""

    def __init__(self) -> None:
        """Own no partition, and have seen nothing."""
        self.registry = registry = CollectorRegistry()
        self._latency = VisibleLatency()
        registry.register(self._latency)
        ProcessCollector(registry=registry)
        self._consumed = Counter(
            "retention_messages_consumed", "Messages folded and delivered", ["topic"], registry=registry
        )
        self._outcomes = Counter(
            "retention_messages", "Messages delivered, by what became of them", ["topic", "outcome"], registry=registry
        )
        self._stages = Histogram(
            "retention_flush_seconds", "Time of a flush by stage", ["stage"], buckets=_FLUSH_BOUNDS_S, registry=registry
        )
        for topic in INPUTS:
            self._consumed.labels(topic.name)
            for outcome in OUTCOMES:
                self._outcomes.labels(topic.name, outcome)
        for stage in (_BUILD, *STAGES):
            self._stages.labels(stage)
        #: Set by the worker, which knows it anyway.
        self.undelivered = Gauge(
            "retention_undelivered_bytes", "Messages folded and not yet delivered, in bytes", registry=registry
        )
        self._recoveries = Counter("retention_recoveries", "Times that partitions were taken over", registry=registry)
        self._recovery = Gauge(
            "retention_last_recovery_seconds",
            "From the start, or from the last revocation, until the partitions were owned and recovered",
            registry=registry,
        )
        self._rebuild = Gauge(
            "retention_last_rebuild_seconds",
            "Part of the last recovery in which the counts were rebuilt from the states",
            registry=registry,
        )
        self._ready = Gauge("retention_ready", "1 when the worker can do its work, as /readyz says", registry=registry)
        partitions = Gauge("retention_owned_partitions", "Partitions owned and recovered", registry=registry)
        partitions.set_function(lambda: len(self._owned))
        decoded = Gauge("retention_decoded_users", "User states in their decoded form", registry=registry)
        decoded.set_function(self._decoded_users)
        self._owned: Mapping[int, Partition] = {}
        self._idle_since: float | None = time.monotonic()
        self._waiting: defaultdict[int, _Waiting] = defaultdict(_Waiting)
        #: Per (topic, partition), its counters as last delivered.
        self._delivered: dict[tuple[str, int], Sequence[int]] = {}

    def page(self, *, ready: bool) -> bytes:
        """All metrics as text."""
        self._ready.set(ready)
        return generate_latest(self.registry)

    def revoked(self) -> None:
        """The partitions are gone; what was folded and not delivered counts where it is read again."""
        self._owned = {}
        self._waiting.clear()
        self._delivered.clear()
        if self._idle_since is None:
            self._idle_since = time.monotonic()

    def recovered(self, owned: Mapping[int, Partition], rebuild_s: float) -> None:
        """``owned`` are the worker's partitions from now on; rebuilding their counts took ``rebuild_s`` seconds."""
        self._owned = owned
        for number, partition in owned.items():
            fold = partition.fold
            for topic, part in ((EVENTS.name, fold.progress.events), (REKEYED.name, fold.progress.rekeyed)):
                self._delivered[topic, number] = (
                    *(part.consumed, fold.accepted[topic], fold.repeated[topic]),
                    *(part.late, part.future, part.invalid, part.rekeyed),
                )
        self._rebuild.set(rebuild_s)
        self._recoveries.inc()
        if self._idle_since is not None:
            self._recovery.set(time.monotonic() - self._idle_since)
            self._idle_since = None

    def took(self, partition: int, messages: Sequence[_Timestamped]) -> None:
        """``messages`` of ``partition`` were folded, or are held back for the next flush."""
        self._waiting[partition].add(messages)

    def flush(self) -> "FlushTimer":
        """A flush begins."""
        return FlushTimer(self)

    def _take_waiting(self, partitions: Iterable[int]) -> _Waiting:
        taken = _Waiting()
        for partition in partitions:
            taken.add_all(self._waiting.pop(partition, _Waiting()))
        return taken

    def _observe_flush(self, stages_s: Mapping[str, float], messages: _Waiting, visible_ms: float) -> None:
        for stage, seconds in stages_s.items():
            self._stages.labels(stage).observe(seconds)
        self._latency.observe(messages.singles, visible_ms)
        self._latency.observe(messages.runs, visible_ms, _RUN)

    def _observe_progress(self, batch: RowBatch) -> None:
        """Count what the progress rows of a delivered ``batch`` say beyond those before."""
        for row in zip(*batch.columns.get("progress", []), strict=True):
            topic, partition = row[_TOPIC], row[_PARTITION]
            now = row[_FIRST_COUNTER : _FIRST_COUNTER + len(_COUNTERS)]
            before = self._delivered.get((topic, partition))
            if before is None:
                continue
            consumed, *outcomes = (max(0, new - old) for new, old in zip(now, before, strict=True))
            self._delivered[topic, partition] = now
            self._consumed.labels(topic).inc(consumed)
            for outcome, count in zip(OUTCOMES, outcomes, strict=True):
                self._outcomes.labels(topic, outcome).inc(count)

    def _decoded_users(self) -> int:
        return sum(partition.fold.users_in_memory for partition in self._owned.values())


class FlushTimer:
    """One flush on its way. Only a flush that is delivered is counted."""

    def __init__(self, metrics: Metrics) -> None:
        """The flush begins now."""
        self._metrics = metrics
        self._stages_s: dict[str, float] = {}
        self._messages = _Waiting()
        self._last = time.perf_counter()
        self._visible_ms = 0.0

    def holds(self, flushes: Iterable[PartitionFlush]) -> None:
        """``flushes`` were taken, and hold everything folded so far in their partitions."""
        # Which messages are held back for the next flush is not known here: then all of them count with that one.
        self._messages = self._metrics._take_waiting(flush.partition.number for flush in flushes if not flush.held_back)
        self.passed(_BUILD)

    def passed(self, stage: str) -> None:
        """``stage`` is over."""
        now = time.perf_counter()
        self._stages_s[stage] = now - self._last
        self._last = now
        if stage == _VISIBLE:
            self._visible_ms = time.time() * 1000

    def delivered(self, batch: RowBatch) -> None:
        """The whole flush, with the rows of ``batch``, is durable."""
        self._metrics._observe_flush(self._stages_s, self._messages, self._visible_ms)
        self._metrics._observe_progress(batch)
