"""What a worker's metrics say, without a worker."""

import json
from collections.abc import Sequence

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.apps import AppCatalog
from schemas.tables import RowBatch
from schemas.topics import EVENTS, REKEYED
from schemas.validator import EventValidator
from streams.metrics import LATENCY_BOUNDS_S, OUTCOMES, STAGES, Metrics, VisibleLatency
from streams.partition import Partition
from streams.settings import StreamSettings
from tests.unit.core.support import DAY_MS, MONDAY_MS, Record, event

BEHIND = {EVENTS.name: False, REKEYED.name: False}
LATENCY = "retention_visible_latency_seconds"
NOW_MS = 1_800_000_000_000.0
#: Kafka timestamp of all messages here: long ago.
SENT_MS = MONDAY_MS + 10 * DAY_MS


def partition(number: int = 0) -> Partition:
    catalog = AppCatalog()
    settings = StreamSettings(bootstrap="", app_id="test", apps=catalog)
    made = Partition(number, settings, EventValidator(catalog, 4096), {}, lambda _user: number, generation=1)
    with pytest.raises(StopIteration):
        made.recover().send(None)
    return made


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample of the page, by its name and the values of its labels, which are taken in order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.page(ready=True).decode())
        for sample in family.samples
    }


def deliver(metrics: Metrics, *partitions: Partition, held_back: bool = False) -> None:
    """Flush ``partitions`` as the worker does, with every stage."""
    batch, timer = RowBatch(), metrics.flush()
    flushes = [flush for part in partitions if (flush := part.take_flush(batch, BEHIND)) is not None]
    assert all(flush.held_back == held_back for flush in flushes)
    timer.holds(flushes)
    for stage in STAGES:
        timer.passed(stage)
    timer.delivered(batch)


def take(metrics: Metrics, into: Partition, values: Sequence[bytes], start: int = 0) -> None:
    records = [Record(start + index, value, SENT_MS) for index, value in enumerate(values)]
    into.take(EVENTS.name, records)
    metrics.took(into.number, records)


def body(event_id: str, day: float, **fields: str) -> bytes:
    return json.dumps(event(event_id, day, **fields)).encode()


def test_latencies_are_counted_in_the_buckets_that_reach_them() -> None:
    latency = VisibleLatency()
    # 0.5 s counts in the bucket of 0.5, as the format says: less than or equal.
    latency.observe([int(NOW_MS) - 500, int(NOW_MS) - 2_600, int(NOW_MS) - 501, 0], NOW_MS)
    (family,) = latency.collect()
    found = {sample.labels["le"]: sample.value for sample in family.samples if sample.name.endswith("_bucket")}
    expected = {
        str(bound): float(sum(waited <= bound for waited in (0.5, 0.501, 2.6, NOW_MS / 1000)))
        for bound in LATENCY_BOUNDS_S
    }
    assert found == {**expected, "+Inf": 4.0}
    total = next(sample.value for sample in family.samples if sample.name.endswith("_sum"))
    assert total == pytest.approx(0.5 + 0.501 + 2.6 + NOW_MS / 1000)


def test_a_clock_that_is_behind_the_producers_counts_in_the_first_bucket() -> None:
    latency = VisibleLatency()
    latency.observe([int(NOW_MS) + 5_000], NOW_MS)
    (family,) = latency.collect()
    assert family.samples[0].value == 1


@pytest.mark.parametrize("size", [1, 7, 500, 501, 5_003])
def test_every_message_of_a_fetch_is_counted_whatever_its_size(size: int) -> None:
    metrics, part = Metrics(), partition()
    metrics.recovered({0: part}, 0.0)
    take(metrics, part, [body(f"e{number}", 0) for number in range(size)])
    deliver(metrics, part)
    found = samples(metrics)
    assert found[f"{LATENCY}_count",] == size
    assert found[f"{LATENCY}_bucket", "300.0"] == 0
    assert found[f"{LATENCY}_bucket", "+Inf"] == size


def test_the_counters_say_what_became_of_the_messages() -> None:
    metrics, part = Metrics(), partition()
    metrics.recovered({0: part}, 0.25)
    take(metrics, part, [body("a", 9), body("b", 9), body("b", 9), body("c", 0), b"{"])
    deliver(metrics, part)
    take(metrics, part, [body("d", 9)], start=5)
    deliver(metrics, part)
    found = samples(metrics)
    outcomes = {outcome: found["retention_messages_total", outcome, EVENTS.name] for outcome in OUTCOMES}
    assert outcomes == {"accepted": 3, "duplicate": 1, "late": 1, "future": 0, "invalid": 1, "rekeyed": 0}
    assert found["retention_messages_consumed_total", EVENTS.name] == 6
    assert found["retention_messages_consumed_total", REKEYED.name] == 0
    assert found["retention_last_rebuild_seconds",] == 0.25
    assert found["retention_decoded_users",] == 1


def test_what_a_recovered_partition_had_counted_before_is_not_counted_again() -> None:
    metrics, part = Metrics(), partition()
    take(Metrics(), part, [body("a", 0), body("b", 0), b"{"])
    metrics.recovered({0: part}, 0.0)
    take(metrics, part, [body("c", 0)], start=3)
    deliver(metrics, part)
    found = samples(metrics)
    assert found["retention_messages_total", "accepted", EVENTS.name] == 1
    assert found["retention_messages_total", "invalid", EVENTS.name] == 0


def test_what_was_not_delivered_when_the_partitions_went_is_not_counted() -> None:
    metrics, part = Metrics(), partition()
    metrics.recovered({0: part}, 0.0)
    take(metrics, part, [body("a", 0)])
    metrics.revoked()
    assert samples(metrics)["retention_owned_partitions",] == 0
    again = partition()
    metrics.recovered({0: again}, 0.0)
    take(metrics, again, [body("a", 0), body("b", 0)])
    deliver(metrics, again)
    found = samples(metrics)
    assert found[f"{LATENCY}_count",] == 2
    assert found["retention_messages_total", "accepted", EVENTS.name] == 2
    assert found["retention_owned_partitions",] == 1
    assert found["retention_recoveries_total",] == 2


def test_messages_of_a_partition_that_does_not_flush_wait_for_the_flush_that_holds_them() -> None:
    metrics, one, other = Metrics(), partition(0), partition(1)
    metrics.recovered({0: one, 1: other}, 0.0)
    take(metrics, one, [body("a", 0)])
    take(metrics, other, [body("b", 0), body("c", 0)])
    deliver(metrics, one)
    assert samples(metrics)[f"{LATENCY}_count",] == 1
    deliver(metrics, other)
    assert samples(metrics)[f"{LATENCY}_count",] == 3


def test_every_stage_of_a_delivered_flush_is_timed_and_of_others_none() -> None:
    metrics, part = Metrics(), partition()
    metrics.recovered({0: part}, 0.0)
    metrics.flush().holds([])
    assert samples(metrics)["retention_flush_seconds_count", "clickhouse"] == 0
    take(metrics, part, [body("a", 0)])
    deliver(metrics, part)
    found = samples(metrics)
    assert {found["retention_flush_seconds_count", stage] for stage in ("build", *STAGES)} == {1}


def test_readiness_and_the_process_are_on_the_page() -> None:
    metrics = Metrics()
    metrics.undelivered.set(123)
    assert b"retention_ready 0.0" in metrics.page(ready=False)
    found = samples(metrics)
    assert found["retention_ready",] == 1
    assert found["retention_undelivered_bytes",] == 123
    assert found["process_cpu_seconds_total",] > 0


def test_two_workers_in_one_process_have_metrics_of_their_own() -> None:
    one, other = Metrics(), Metrics()
    one.recovered({}, 0.0)
    assert samples(one)["retention_recoveries_total",] == 1
    assert samples(other)["retention_recoveries_total",] == 0
