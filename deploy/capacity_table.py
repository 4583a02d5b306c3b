"""The capacity model's answer as text: assumptions first, then what is needed."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from deploy.capacity import Plan, Workload
from deploy.capacity_costs import Costs

__all__ = ["table"]

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP: Final = 1024
_FEW: Final = 10


def table(work: Workload, costs: Costs, found: Plan) -> str:
    """The assumptions and ``found``, in lines of a label and a value."""
    sections = (
        ("Workload", _workload(work)),
        ("Costs", ((field.metadata["label"], _number(getattr(costs, field.name))) for field in fields(costs))),
        ("At the peak, all workers", _rates(work, found)),
        ("Workers and partitions", _workers(work, found)),
        ("State and recovery", _state(found)),
        ("ClickHouse", _clickhouse(found)),
    )
    lines = []
    for title, rows in sections:
        lines += [title, *(f"  {label:<58}{value:>16}" for label, value in rows), ""]
    return "\n".join([*lines, *_remarks(work, found)]).rstrip()


def _workload(work: Workload) -> Iterator[tuple[str, str]]:
    yield "daily users, all apps", _number(work.daily_users)
    yield "apps, of one size", _number(work.apps)
    yield "events per user and day", _number(work.events_per_user)
    yield "  in sessions", _number(work.sessions_per_user)
    yield "  seconds between two events of a session", _number(work.session_step_s)
    yield "new among the users of a day", f"{work.new_share:.1%}"
    yield "retention of new users on day 1", f"{work.day1_retention:.1%}"
    yield "days of history", _number(work.history_days)
    yield "days that stay open: lateness + make-up", _number(work.lateness_days + work.make_up_days)
    yield "values of the segments", ", ".join(map(str, work.segment_values)) or "none"
    yield "peak hour / average", _number(work.peak)
    yield "seconds between flushes", _number(work.flush_interval_s)
    yield "bytes of an event", _number(work.event_bytes)
    yield "replicas in Kafka", _number(work.replication)
    yield "of a core, a worker may use", f"{work.core_share:.0%}"
    yield "memory of a worker", _size(work.worker_memory_gib * _STEP**3)


def _rates(work: Workload, found: Plan) -> Iterator[tuple[str, str]]:
    yield "events/s", _number(found.events_per_s)
    yield "users becoming active for the day/s", _number(found.activations_per_s)
    yield "user states written/s", _number(found.states_per_s)
    yield "CPU cores", _number(found.cores)
    yield "  CPU seconds per million events", _number(found.cpu_s_per_million)
    yield "network: events in/s", _size(found.events_bytes_per_s)
    yield "network: changelog out/s", _size(found.changelog_bytes_per_s)
    yield "network: rows to ClickHouse/s", _size(found.clickhouse_bytes_per_s)
    kafka = (found.events_bytes_per_s + found.changelog_bytes_per_s) * work.replication
    yield "written by Kafka's brokers/s, with replicas", _size(kafka)


def _workers(work: Workload, found: Plan) -> Iterator[tuple[str, str]]:
    yield "needed for CPU", _number(found.workers_by_cpu)
    yield "needed for memory", _number(found.workers_by_memory)
    yield "workers", _number(found.workers)
    yield "partitions", _number(work.partitions)
    yield "  at least needed", _number(found.partitions_needed)
    yield "events/s of a worker", _number(found.events_per_s / found.workers)
    yield "CPU of a worker, of a core", f"{found.cores / found.workers:.0%}"
    yield "memory of a worker", _size(found.worker_bytes)


def _state(found: Plan) -> Iterator[tuple[str, str]]:
    yield "users who ever came", _number(found.known_users)
    yield "open cells in memory, all workers", _number(found.open_cells)
    yield "changelog after compaction, one replica", _size(found.changelog_bytes)
    yield "restoring the users of a worker", _time(found.recovery_s)
    yield "after a crash, until its partitions go on", _time(found.takeover_s)


def _clickhouse(found: Plan) -> Iterator[tuple[str, str]]:
    yield "rows/s", _number(found.rows_per_s)
    yield "  of which cells", _number(found.cells_per_s)
    yield "cells written by the flushes of one beat", _number(found.cells_per_flush)
    yield "inserts/s", _number(found.inserts_per_s)
    yield "cells that a day of an app adds", _number(found.daily_cells)
    yield "disk of a day of an app", _size(found.cells_disk_per_app_day)
    yield "disk of all users", _size(found.users_disk)


def _remarks(work: Workload, found: Plan) -> Iterator[str]:
    if work.partitions < found.partitions_needed:
        yield (
            f"{work.partitions} partitions do not suffice: {found.partitions_needed} workers are needed, "
            "each with a partition of its own."
        )
    if work.workers is not None and work.workers < found.partitions_needed:
        yield f"{work.workers} workers do not suffice: {found.partitions_needed} are needed."
    if found.inserts_per_s > _FEW:
        yield (
            f"ClickHouse prefers few large inserts: {_number(found.inserts_per_s)} a second are many. A longer flush "
            "interval makes fewer, and fewer rows."
        )


def _number(value: float) -> str:
    if value >= 100 or value == int(value):  # noqa: PLR2004 - three digits say enough
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _size(value: float) -> str:
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            break
        value /= _STEP
    return f"{_number(value)} {unit}"


def _time(seconds: float) -> str:
    return f"{_number(seconds)} s" if seconds < 120 else f"{_number(seconds / 60)} min"  # noqa: PLR2004
