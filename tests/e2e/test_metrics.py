"""``/metrics`` of a real worker says what it did."""

import json
import time
from pathlib import Path
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.clickhouse import EmbeddedClickHouse
from streams.metrics import STAGES
from tests.e2e.pipeline import PARTITIONS, Pipeline, new_pipeline
from tests.oracle.dataset import CATALOG
from tests.oracle.judge import Message
from tests.ports import reserve_port

DEADLINE_S = 60
LATENCY = "retention_visible_latency_seconds"
APP = "wx-default"
USERS = 50

Samples = dict[tuple[str, ...], float]


def scrape(port: int) -> Samples:
    """Every sample of the page, by its name and the values of its labels, which are taken in order of their names."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        page = answer.read().decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def wait_for(port: int, name: str, value: float) -> Samples:
    """The page once the sample ``name`` has reached ``value``: a flush is counted when its last stage is over."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            found = scrape(port)
        except OSError:  # not serving yet
            found = {}
        if found.get((name,), 0) >= value:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def publish(pipeline: Pipeline, name: str, sent_ms: int, *, at_home: bool = True) -> None:
    """One event of each user, and a repeat of it."""
    messages = []
    for number in range(USERS):
        user = f"u{number}"
        value = json.dumps(
            {"event_id": name, "app_id": APP, "user_id": user, "event": "app_open", "ts": int(time.time() * 1000)}
        ).encode()
        partition = pipeline.home(user) if at_home else (pipeline.home(user) + 1) % PARTITIONS
        messages += [Message(partition, -1, user.encode(), value, sent_ms)] * 2
    pipeline.publish(messages)


def test_the_page_of_a_worker_counts_messages_latencies_and_flushes(
    clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path
) -> None:
    port = reserve_port()
    with new_pipeline(clickhouse.url, database, tmp_path, CATALOG, web_port=port) as pipeline:
        pipeline.start_worker()
        idle = wait_for(port, "retention_owned_partitions", PARTITIONS)
        assert idle["retention_recoveries_total",] == 1
        assert idle["retention_last_recovery_seconds",] > idle["retention_last_rebuild_seconds",] >= 0

        began = time.time()
        publish(pipeline, "live", int(began * 1000))
        pipeline.wait_until_folded()
        live = wait_for(port, f"{LATENCY}_count", 2 * USERS)
        longest = time.time() - began
        assert live[f"{LATENCY}_count",] == live[f"{LATENCY}_bucket", "+Inf"] == 2 * USERS
        assert 0 < live[f"{LATENCY}_sum",] <= 2 * USERS * longest
        assert live["retention_messages_total", "accepted", "mp.events"] == USERS
        assert live["retention_messages_total", "duplicate", "mp.events"] == USERS
        assert live["retention_messages_consumed_total", "mp.events"] == 2 * USERS
        assert live["retention_decoded_users",] == USERS
        assert all(live["retention_flush_seconds_count", stage] >= 1 for stage in ("build", *STAGES))
        assert live["retention_ready",] == 1

        # An old record timestamp, as of replayed history: the latency is beyond every bucket.
        publish(pipeline, "old", int((began - 3600) * 1000), at_home=False)
        pipeline.wait_until_folded()
        # Each is counted where it stood, and again where it was forwarded to.
        old = wait_for(port, f"{LATENCY}_count", 6 * USERS)
        assert old[f"{LATENCY}_count",] == 6 * USERS
        assert old[f"{LATENCY}_bucket", "300.0"] == 2 * USERS
        assert old["retention_messages_total", "rekeyed", "mp.events"] == 2 * USERS
        assert old["retention_messages_total", "accepted", "mp.events.rekeyed"] == USERS
        assert old["retention_messages_consumed_total", "mp.events.rekeyed"] == 2 * USERS
        assert old["retention_undelivered_bytes",] == 0


def test_a_successor_counts_only_what_it_does_itself(
    clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path
) -> None:
    port = reserve_port()
    with new_pipeline(clickhouse.url, database, tmp_path, CATALOG, web_port=port) as pipeline:
        first = pipeline.start_worker()
        publish(pipeline, "one", int(time.time() * 1000))
        pipeline.wait_until_folded()
        first.stop()
        pipeline.start_worker()
        wait_for(port, "retention_owned_partitions", PARTITIONS)
        publish(pipeline, "two", int(time.time() * 1000))
        pipeline.wait_until_folded()
        found = wait_for(port, f"{LATENCY}_count", 2 * USERS)
        assert found["retention_messages_total", "accepted", "mp.events"] == USERS
        assert found["retention_messages_total", "duplicate", "mp.events"] == USERS
        assert found["retention_messages_consumed_total", "mp.events"] == 2 * USERS
