"""Latency from publishing an event to its being visible in ``retention_daily``, from outside and as the worker says.

    python -m tests.bench.latency [--rate 5000] [--seconds 60] [--warm-up 25]

Broker, ClickHouse, one worker, the publisher and the observer share this machine. The observer asks the view again
and again; a marker counts as visible when the answer that holds it has arrived, so the figures are upper bounds by up
to one query and one pause. In the first 20 seconds each event is the first of its user, which no real day looks like:
leave them to the warm-up.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.request import urlopen

from clickhouse_connect import get_client
from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.embedded.ports import choose_port
from deploy.migrating import migrate_all
from deploy.settings import Settings, settings_environment
from tests.bench.latency_load import probe

__all__ = ["arrivals", "percentile", "quantile"]

PARTITIONS: Final = 4
TARGET_P50_S, TARGET_P99_S = 1.0, 3.0
_LATENCY: Final = "retention_visible_latency_seconds_bucket"
_QUERY: Final = """
SELECT app_id, sum(cohort_users)
FROM retention_daily
WHERE app_id IN {apps:Array(String)} AND audience = 'new' AND day_n = 0
GROUP BY app_id
"""
#: Between two queries: the observer shall not take the cores from those it observes.
_PAUSE_S: Final = 0.05
#: How long the last markers may take.
_DEADLINE_S: Final = 120.0


class Scrape(NamedTuple):
    """The worker's page.

    Messages by upper bound of the latency's bucket, CPU seconds, messages folded, seconds by stage, flushes.
    """

    buckets: dict[float, float]
    cpu_s: float
    messages: float
    stages_s: dict[str, float]
    flushes: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """As Prometheus' ``histogram_quantile``: linear within the bucket; counts are cumulative by upper bound."""
    rank, below, before = share * max(buckets.values()), 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= rank:
            if bound == float("inf"):
                return below
            return below + (bound - below) * (rank - before) / (count - before) if count > before else bound
        below, before = bound, count
    raise ValueError("no bucket")


def arrivals(markers: Sequence[float], seen: Sequence[tuple[float, int]]) -> list[tuple[float, float]]:
    """(published, seen) of each marker that was seen; ``seen`` holds (time, markers counted by then), in order."""
    arrived, number = [], 0
    for at, count in seen:
        arrived += [(published, at) for published in markers[number:count]]
        number = max(number, count)
    return arrived


def _scrape(port: int) -> Scrape:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        page = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return Scrape(
        {float(sample.labels["le"]): sample.value for sample in samples if sample.name == _LATENCY},
        sum(sample.value for sample in samples if sample.name == "process_cpu_seconds_total"),
        sum(sample.value for sample in samples if sample.name == "retention_messages_consumed_total"),
        {sample.labels["stage"]: sample.value for sample in samples if sample.name == "retention_flush_seconds_sum"},
        max(sample.value for sample in samples if sample.name == "retention_flush_seconds_count"),
    )


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz"):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the worker did not become ready")


class Measured(NamedTuple):
    """(published, seen) of every marker, the queries that were asked, and the page before and after the window."""

    arrived: list[tuple[float, float]]
    queries: list[float]
    before: Scrape
    after: Scrape


def _observe(settings: Settings, rate: float, warm_up: float, seconds: float, log: Path) -> Measured:
    """Publish, and ask the view until every marker is visible."""
    apps = [probe(number) for number in range(PARTITIONS)]
    seen: dict[str, list[tuple[float, int]]] = {app: [] for app in apps}
    scrapes: list[Scrape] = []
    queries: list[float] = []
    client = get_client(dsn=f"{settings.clickhouse_url}/{settings.clickhouse_database}")
    load = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.latency_load", str(rate), str(warm_up + seconds), str(log)],
        env={**os.environ, **settings_environment(settings)},
    )
    try:
        began = deadline = time.time()
        markers: dict[str, list[float]] = {}
        while not markers or any(seen[app][-1][1] < len(published) for app, published in markers.items()):
            asked = time.time()
            counts = {app: int(users) for app, users in client.query(_QUERY, {"apps": apps}).result_rows}
            now = time.time()
            time.sleep(_PAUSE_S)
            queries.append(now - asked)
            for app in apps:
                seen[app].append((now, counts.get(app, 0)))
            if len(scrapes) < 2 and now - began >= (warm_up + seconds if scrapes else warm_up):
                scrapes.append(_scrape(settings.web_port))
            if not markers and load.poll() is not None:
                if load.returncode:
                    raise SystemExit(f"the publisher ended with {load.returncode}")
                markers, deadline = json.loads(log.read_text()), now + _DEADLINE_S
            if markers and now > deadline:
                raise SystemExit(f"not all markers are visible after {_DEADLINE_S:.0f} s")
        scrapes += [_scrape(settings.web_port)] * (2 - len(scrapes))
        arrived = [pair for app, published in markers.items() for pair in arrivals(published, seen[app])]
        start = min(published for published, _ in arrived) + warm_up
        return Measured([pair for pair in arrived if pair[0] >= start], queries, scrapes[0], scrapes[1])
    finally:
        load.kill()
        load.wait()
        client.close()


def measure(rate: float, seconds: float, warm_up: float) -> Measured:
    """One worker on empty embedded services."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        with EmbeddedBroker(None, base) as broker, EmbeddedClickHouse(base / "data", None, base) as clickhouse:
            settings = Settings(
                kafka_bootstrap=broker.bootstrap,
                clickhouse_url=clickhouse.url,
                partitions=PARTITIONS,
                web_port=choose_port(None),
            )
            migrate_all(settings)
            worker = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", "worker"],
                env={**os.environ, **settings_environment(settings), "RETENTION_LOG_LEVEL": "WARNING"},
            )
            try:
                _wait_until_ready(settings.web_port)
                return _observe(settings, rate, warm_up, seconds, base / "markers.json")
            finally:
                worker.terminate()
                worker.wait()


def main() -> None:
    """Measure once and print the distribution from outside beside the worker's own."""
    parser = argparse.ArgumentParser(description="Latency from publishing an event to its being visible.")
    parser.add_argument("--rate", type=float, default=5_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=60, help="length of the measurement")
    parser.add_argument("--warm-up", type=float, default=25, help="seconds of load before it")
    options = parser.parse_args()
    measured = measure(options.rate, options.seconds, options.warm_up)
    waits = [seen - published for published, seen in measured.arrived]
    before, after = measured.before, measured.after
    buckets = {bound: count - before.buckets[bound] for bound, count in after.buckets.items()}
    messages, cpu_s = after.messages - before.messages, after.cpu_s - before.cpu_s
    flush_s = Settings().flush_interval_s
    print(
        f"{options.rate:,.0f} events/s for {options.seconds:g} s, a flush every {flush_s:g} s; "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print(f"{'publish to visible, seconds':<44}{'p50':>8}{'p99':>8}{'max':>8}")
    name = f"from outside, {len(waits):,} markers"
    print(f"{name:<44}{percentile(waits, 0.5):>8.2f}{percentile(waits, 0.99):>8.2f}{max(waits):>8.2f}")
    name = f"the worker's histogram, {buckets[float('inf')]:,.0f} messages"
    print(f"{name:<44}{quantile(buckets, 0.5):>8.2f}{quantile(buckets, 0.99):>8.2f}")
    print(f"{'target':<44}{TARGET_P50_S:>8.2f}{TARGET_P99_S:>8.2f}")
    print(
        f"queries of the observer: {len(measured.queries):,}, median {percentile(measured.queries, 0.5) * 1000:.0f} ms"
    )
    print(
        f"the worker: {cpu_s / messages * 1e6:.1f} CPU seconds per million events, {cpu_s / options.seconds:.2f} cores"
    )
    flushes = after.flushes - before.flushes
    stages = {name: (seconds - before.stages_s[name]) / flushes for name, seconds in after.stages_s.items()}
    print(f"{flushes:,.0f} flushes, ms: " + ", ".join(f"{name} {1000 * mean:.0f}" for name, mean in stages.items()))


if __name__ == "__main__":
    main()
