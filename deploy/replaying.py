"""Publishing NDJSON lines to ``mp.events``: first the check of what would be refused by time, then the lines."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from deploy.lateness import Candidate, TimeCheck
from deploy.lines import Line, Lines, key_of
from deploy.publisher import Publisher, now_ms, partition_of
from deploy.settings import PREFIX, Settings
from schemas.errors import Terminal
from schemas.topics import DEAD, EVENTS
from streams.partitioner import Partitioner

__all__ = ["Refusals", "check_times", "publish_lines"]

Report = Callable[[int], None]

_CHUNK: Final = 1_000


@dataclass(slots=True)
class Refusals:
    """How many lines would be refused by time, by reason, and which would be the first."""

    lines: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: Line | None = None

    def as_error(self, epoch: int) -> Terminal:
        """What to tell the one who wanted to publish them."""
        reasons = " and ".join(f"{count} as {reason}" for reason, count in sorted(self.counts.items(), reverse=True))
        first = f"line {self.first.number} of {self.first.file}" if self.first else "none"
        ways = [f"publish it anyway with --allow-late and find it in {DEAD.name}"]
        if "late" in self.counts:
            ways.insert(
                0,
                "history goes in before newer events, so replay the oldest first, into empty topics and a new epoch "
                f"({PREFIX}EPOCH={epoch + 1})",
            )
        return Terminal(
            f"of {self.lines} lines the pipeline would refuse {reasons}, the first of them {first}; nothing was "
            f"published: {'; or '.join(ways)}"
        )


def check_times(lines: Lines, check: TimeCheck, partitions: int, report: Report) -> Refusals:
    """Judge every line as the pipeline would if they were published now, in this order."""
    home = Partitioner(partitions)
    refusals = Refusals()
    now = now_ms()
    for chunk in _chunks(lines.read(report)):
        candidates = [
            Candidate(partition_of(home, partitions, key_of(line.value), line.value), line.value, now) for line in chunk
        ]
        for line, reason in zip(chunk, check.judge(candidates), strict=True):
            refusals.lines += 1
            if reason is not None:
                refusals.counts[reason] = refusals.counts.get(reason, 0) + 1
                refusals.first = refusals.first or line
    return refusals


async def publish_lines(settings: Settings, lines: Lines, rate: float | None, report: Report) -> Publisher:
    """Publish every line as it is, keyed by its user; returns the publisher with its counts and ends.

    A line that is not JSON or has no user goes without a key: the pipeline refuses it with a reason and keeps it.
    """
    async with Publisher(settings, EVENTS.name, rate) as publisher:
        for line in lines.read(report):
            await publisher.publish(key_of(line.value), line.value)
    return publisher


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
