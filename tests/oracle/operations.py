"""The views on the pipeline itself: its progress with the counters, and its dead letters."""

from collections import Counter
from typing import Final

from tests.oracle.days import to_date
from tests.oracle.judge import EventKey, Judged, Judgement, Verdict
from tests.oracle.view import Between, View

__all__ = [
    "COUNTERS",
    "EVENTS",
    "REKEYED",
    "accepted_per_partition",
    "dead_letters",
    "forgetful_partitions",
    "pipeline_progress",
]

EVENTS: Final = "mp.events"
REKEYED: Final = "mp.events.rekeyed"
COUNTERS: Final = ("consumed", "accepted", "duplicate", "late", "future", "invalid", "rekeyed")
_RAW_BYTES: Final = 65_536
_REFUSALS: Final = (Verdict.LATE, Verdict.FUTURE, Verdict.INVALID)


def dead_letters(judgement: Judgement) -> View:
    """Every refused message: why, the first of its bytes, and its record's timestamp in milliseconds."""
    view = View("dead_letters", ("topic", "partition", "offset"), ("reason", "raw", "at"))
    for judged in judgement.judged:
        if judged.verdict in _REFUSALS:
            message = judged.message
            row = (str(judged.verdict), (message.value or b"")[:_RAW_BYTES], message.timestamp_ms)
            view.rows[EVENTS, message.partition, message.offset] = row
    return view


def pipeline_progress(judgement: Judgement) -> View:
    """Offset, watermark and counters of every partition that holds something, read to its end.

    The watermark of a partition of ``mp.events.rekeyed`` has no meaning and may be anything.
    """
    view = View("pipeline_progress", ("topic", "partition"), ("offset", "watermark", *COUNTERS))
    of_partition: dict[int, list[Judged]] = {}
    for judged in judgement.judged:
        of_partition.setdefault(judged.message.partition, []).append(judged)
    for partition, verdicts in of_partition.items():
        counts = Counter(judged.verdict for judged in verdicts)
        own, rekeyed = _ids(judgement, partition)
        # Where a rekeyed copy may have come first, the own one is the duplicate.
        accepted = Between(len(own - rekeyed.keys()), len(own))
        watermark = judgement.watermarks.get(partition)
        view.rows[EVENTS, partition] = (
            max(judged.message.offset for judged in verdicts) + 1,
            None if watermark is None else to_date(watermark),
            len(verdicts),
            accepted,
            _rest(counts[Verdict.ACCEPTED] + counts[Verdict.DUPLICATE], accepted),
            *(counts[refusal] for refusal in _REFUSALS),
            counts[Verdict.REKEYED],
        )
    for partition in range(judgement.partitions):
        own, rekeyed = _ids(judgement, partition)
        if not rekeyed:
            continue
        arrived = rekeyed.total()
        most = sum(copies if one in judgement.closed_rekeyed else 1 for one, copies in rekeyed.items())
        accepted = Between(len(rekeyed.keys() - own), most)
        row = (arrived, Between(), arrived, accepted, _rest(arrived, accepted), 0, 0, 0, 0)
        view.rows[REKEYED, partition] = row
    return view


def accepted_per_partition(judgement: Judgement) -> dict[int, Between]:
    """Accepted events of the users of each partition, over both topics: exact unless a repeat may be forgotten."""
    totals = {}
    for partition in range(judgement.partitions):
        own, rekeyed = _ids(judgement, partition)
        distinct = len(own | rekeyed.keys())
        forgotten = sum(
            copies if one in own else copies - 1 for one, copies in rekeyed.items() if one in judgement.closed_rekeyed
        )
        totals[partition] = Between(distinct, distinct + forgotten)
    return totals


def forgetful_partitions(judgement: Judgement) -> frozenset[int]:
    """The partition numbers that take a rekeyed event whose day is closed there, and whose id may be forgotten."""
    closed = judgement.closed_rekeyed
    return frozenset(p for p in range(judgement.partitions) if closed & _ids(judgement, p)[1].keys())


def _ids(judgement: Judgement, partition: int) -> tuple[set[EventKey], Counter[EventKey]]:
    """The ids that count for the users of ``partition``: accepted on their own topic; rekeyed, with their copies."""
    own: set[EventKey] = set()
    rekeyed: Counter[EventKey] = Counter()
    for judged in judgement.judged:
        event = judged.event
        if event is None or judged.home != partition:
            continue
        if judged.verdict is Verdict.ACCEPTED:
            own.add((event.app_id, event.user_id, event.event_id))
        elif judged.verdict is Verdict.REKEYED:
            rekeyed[event.app_id, event.user_id, event.event_id] += 1
    return own, rekeyed


def _rest(total: int, part: Between) -> Between:
    return Between(total - (part.high or 0), total - (part.low or 0))
