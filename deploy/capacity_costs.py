"""What one unit of work costs, for the capacity model: each figure with its source, in one place.

Change them here when the benchmarks give others. The documentation's example is the command's output, and a test holds
the two against each other.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Final

__all__ = ["MEASURED", "Costs", "MeasuredRun", "cost_rows", "measured_rows"]


def _cost(default: float, label: str, source: str) -> Any:
    return field(default=default, metadata={"label": label, "source": source})


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of the worker, its state, Kafka and ClickHouse. Times are of one core of the machine that measured."""

    event_us: float = _cost(3.3, "µs CPU of an event: fetched, validated, folded", "`make bench`, CPU per event")
    state_us: float = _cost(10.0, "µs CPU of a state written to the changelog", "`tests.bench.latency`, by the rate")
    row_us: float = _cost(3.0, "µs CPU of a row computed and sent", "`tests.bench.latency`, by the rate")
    flush_ms: float = _cost(20.0, "ms CPU of a flush whatever it holds", "`tests.bench.latency` at a low rate")
    partition_flush_ms: float = _cost(4.0, "ms CPU of each partition in a flush", "the same, by the partitions")
    record_bytes: float = _cost(
        115.0, "bytes of a changelog record and its key, without ids", "the state codec: 68, and a key of 47"
    )
    event_id_bytes: float = _cost(8.0, "bytes of an event id while its day is open", "the state codec")
    user_bytes: float = _cost(270.0, "bytes of memory of a user at rest", "`make bench`, memory by users")
    cell_bytes: float = _cost(112.0, "bytes of memory of an open cell", "`tracemalloc`, 109 800 cells")
    worker_mib: float = _cost(430.0, "MiB of memory of a worker besides users at rest", "`make bench`, memory by users")
    recovery_us: float = _cost(6.3, "µs to restore a user and the counts", "`make bench`, recovery of 1 000 000 users")
    cell_disk_bytes: float = _cost(
        8.3, "bytes on disk of a cell in ClickHouse", "`system.parts`, 4.2 million cells, merged"
    )
    user_disk_bytes: float = _cost(
        50.0, "bytes on disk of a user in ClickHouse", "`system.parts`, 500 000 users, merged"
    )
    row_bytes: float = _cost(38.0, "bytes of a row on its way to ClickHouse", "a row of `cells`, uncompressed")


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One measurement on a machine of two cores, shared with broker and ClickHouse."""

    workers: int
    events_per_s: int
    cpu_s_per_million: float
    when: str


#: One worker and two over the same topic; two share the cores with broker and ClickHouse.
MEASURED: Final = (MeasuredRun(1, 237_423, 3.5, "2026-11-22"), MeasuredRun(2, 393_909, 3.0, "2026-11-22"))


def measured_rows() -> list[str]:
    """The measurements as rows of a Markdown table."""
    return [
        f"| {run.workers} | {run.events_per_s:,} | {run.cpu_s_per_million:.1f} | {run.when} |".replace(",", " ")
        for run in MEASURED
    ]


def cost_rows() -> list[str]:
    """The costs as rows of a Markdown table."""
    return [f"| {cost.metadata['label']} | {cost.default:g} | {cost.metadata['source']} |" for cost in fields(Costs)]
