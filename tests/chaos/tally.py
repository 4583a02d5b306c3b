"""What happened in a soak, counted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

__all__ = ["SUMMARY", "Tally"]

#: Lines of the summary and the counts that each adds up; a count that is named nowhere has a line of its own.
SUMMARY: Final[dict[str, tuple[str, ...]]] = {
    "kills": ("kill -9 of a worker",),
    "stops": ("SIGTERM of a worker",),
    "zombies": ("zombie",),
    "rebalances": ("assignment taken over",),
    "broker restarts": ("broker kill -9",),
    "sink outages": ("ClickHouse stopped", "ClickHouse kill -9"),
    "comparisons": ("comparison",),
    "differences": ("difference",),
}


@dataclass(slots=True)
class Tally:
    """Counts by name; ``peak_mib`` and ``peak_files`` are the most that any worker ever held."""

    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    peak_mib: float = 0.0
    peak_files: int = 0
    slowest_settling_s: float = 0.0

    def table(self) -> str:
        """The summary, one line a number."""
        return "\n".join(f"  {name:<34}{value:>12}" for name, value in self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "seconds", f"{self.seconds:,.0f}"
        yield "events", f"{self.counts['event']:,}"
        named = {"event"}
        for name, parts in SUMMARY.items():
            yield name, f"{sum(self.counts[part] for part in parts):,}"
            named.update(parts)
        for name in sorted(self.counts.keys() - named):
            yield f"· {name}", f"{self.counts[name]:,}"
        yield "slowest catching up, s", f"{self.slowest_settling_s:,.1f}"
        yield "peak memory of a worker, MiB", f"{self.peak_mib:,.0f}"
        yield "most open files of a worker", f"{self.peak_files:,}"
