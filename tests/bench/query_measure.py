"""Timing queries over HTTP, in turn, and what a table takes on disk."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import clickhouse_connect
from clickhouse_connect.driver.client import Client

__all__ = ["Disk", "Timing", "connected", "disk", "in_turn", "machine"]

#: Filling a table may take this long.
_TIMEOUT_S = 900


class Timing(NamedTuple):
    """Milliseconds of several runs."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """The summary of runs that took ``seconds``."""
        return cls(1e3 * statistics.median(seconds), 1e3 * min(seconds), 1e3 * max(seconds))

    def __str__(self) -> str:
        return f"{self.median:9,.1f} ({self.least:,.1f} to {self.most:,.1f})"


class Disk(NamedTuple):
    """What one partition of a table takes."""

    rows: int
    parts: int
    bytes: int


def connected(url: str, database: str) -> Client:
    """A client of ``database``, which need not exist yet."""
    client = clickhouse_connect.get_client(dsn=url, send_receive_timeout=_TIMEOUT_S, autogenerate_session_id=False)
    client.database = database
    return client


def in_turn(work: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Timing]:
    """Time each of ``work``: once unmeasured, then ``runs`` rounds, so that what slows the machine slows all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(runs + 1):
        for name, call in work.items():
            began = time.perf_counter()
            call()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return {name: Timing.of(taken) for name, taken in seconds.items()}


def disk(client: Client, table: str, partition: str) -> Disk:
    """Active parts of ``table`` in ``partition``, as system.parts names it."""
    ((rows, parts, size),) = client.query(
        "SELECT sum(rows), count(), sum(bytes_on_disk) FROM system.parts "
        "WHERE active AND database = {database:String} AND table = {table:String} AND partition = {partition:String}",
        {"database": client.database, "table": table, "partition": partition},
    ).result_rows
    return Disk(int(rows), int(parts), int(size))


def machine(client: Client) -> str:
    """One line: processor, cores, memory, load, Python and engine."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB; load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, ClickHouse {client.server_version}"
    )
