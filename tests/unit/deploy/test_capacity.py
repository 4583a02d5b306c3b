"""The capacity model: its rates against simulated sessions and by hand, and how the command refuses."""

import json
from collections import defaultdict
from dataclasses import replace
from random import Random

import pytest

from deploy.capacity import Workload, dirty_users, plan
from deploy.capacity_costs import Costs
from deploy.cli import run
from schemas.validator import EventValidator
from tests.unit.core.support import MONDAY_MS, Record, app_of, new_fold

WORK = Workload(daily_users=1_000_000, partitions=16)
COSTS = Costs()


@pytest.mark.parametrize("interval_s", [5.0, 20.0, 60.0, 300.0])
def test_as_many_states_are_written_as_sessions_meet_flushes(interval_s: float) -> None:
    work = replace(WORK, events_per_user=20, sessions_per_user=2, session_step_s=20, flush_interval_s=interval_s)
    chance, users, hours = Random(1), 300, 4
    length = hours * 3600 * 1000
    sent = sorted(
        (start + step * 20_000, user)
        for user in range(users)
        for start in (chance.randrange(length) for _ in range(2))
        for step in range(10)
    )
    fold, written = new_fold(), 0
    flushes: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for at_ms, user in sent:
        flushes[int(at_ms // (interval_s * 1000))].append((at_ms, user))
    validator, offset = EventValidator(fold._catalog, 4096), 0
    for number in sorted(flushes):
        records = []
        for at_ms, user in flushes[number]:
            value = {"event_id": f"{offset}", "app_id": "app", "user_id": f"u{user}", "event": "app_open"}
            records.append(Record(offset, json.dumps({**value, "ts": MONDAY_MS + at_ms}).encode()))
            offset += 1
        fold.fold_events(records, validator.validate([record.value for record in records]))
        written += len(app_of(fold).dirty)
        app_of(fold).dirty.clear()
    # Two sessions of a user that overlap are one here and two in the model: in four hours that is rare.
    assert written == pytest.approx(users * dirty_users(work), rel=0.05)


def test_the_figures_of_a_small_case_by_hand() -> None:
    work = Workload(
        daily_users=86_400,
        partitions=2,
        events_per_user=10,
        sessions_per_user=1,
        peak=2,
        history_days=10,
        new_share=0.5,
    )
    found = plan(work, COSTS)
    assert found.activations_per_s == pytest.approx(2)
    assert found.events_per_s == pytest.approx(20)
    assert found.states_per_s == pytest.approx(20)  # every event meets a flush of its own
    assert found.known_users == pytest.approx(86_400 * 0.5 * 10)
    assert found.events_bytes_per_s == pytest.approx(20 * 300)
    assert found.changelog_bytes == pytest.approx(432_000 * (COSTS.record_bytes + 10 * COSTS.event_id_bytes))
    assert found.recovery_s * found.workers == pytest.approx(432_000 * COSTS.recovery_us / 1e6)
    assert found.workers == found.partitions_needed == 1
    assert found.inserts_per_s == 6
    busy = found.events_per_s * COSTS.event_us + found.states_per_s * COSTS.state_us + found.rows_per_s * COSTS.row_us
    flushing = 2 * COSTS.flush_ms + 4 * COSTS.partition_flush_ms
    assert found.cores == pytest.approx(busy / 1e6 + flushing / 1e3, rel=0.01)
    assert found.cpu_s_per_million == pytest.approx(found.cores / 20 * 1e6)


def test_what_grows_with_what() -> None:
    base, twice = plan(WORK, COSTS), plan(replace(WORK, daily_users=2 * WORK.daily_users), COSTS)
    assert twice.known_users == 2 * base.known_users
    assert twice.worker_bytes * twice.workers > 1.5 * base.worker_bytes * base.workers
    assert twice.cells_per_s < 2 * base.cells_per_s  # more users of a flush share a cell
    assert twice.daily_cells < 1.1 * base.daily_cells  # nearly every cell has a user already

    rare = plan(replace(WORK, flush_interval_s=5), COSTS)
    assert rare.rows_per_s < base.rows_per_s
    assert rare.cores < base.cores
    assert rare.inserts_per_s == pytest.approx(base.inserts_per_s / 10)

    split = plan(replace(WORK, apps=10), COSTS)
    assert split.cells_per_s > base.cells_per_s
    assert split.open_cells > base.open_cells
    assert plan(replace(WORK, segment_values=(10, 4, 50)), COSTS).daily_cells > base.daily_cells
    assert plan(replace(WORK, lateness_days=20), COSTS).open_cells > base.open_cells


def test_workers_are_as_many_as_cpu_and_memory_need_and_partitions_allow() -> None:
    found = plan(replace(WORK, worker_memory_gib=0.75, partitions=64), COSTS)
    assert found.workers == found.workers_by_memory > found.workers_by_cpu
    assert found.worker_bytes <= 0.75 * 1024**3
    few = plan(replace(WORK, worker_memory_gib=0.75, partitions=2), COSTS)
    assert few.workers == 2 < few.partitions_needed
    assert plan(replace(WORK, workers=5), COSTS).workers == 5


def test_flushes_that_alone_use_a_worker_up_are_refused() -> None:
    with pytest.raises(ValueError, match="flush less often"):
        plan(replace(WORK, flush_interval_s=0.01), COSTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--daily-users", "0"], "'--daily-users'"),
        ([], "'--daily-users'"),
        (["--daily-users", "9", "--partitions", "2000"], "'--partitions'"),
        (["--daily-users", "9", "--new-share", "1.5"], "'--new-share'"),
        (["--daily-users", "9", "--segment-values", "3,x"], "'3,x' is no list of numbers"),
        (["--daily-users", "9", "--segment-values", "0"], "at least one value"),
        (["--daily-users", "9", "--partitions", "4", "--workers", "5"], "--workers 5 is more than --partitions 4"),
        (["--daily-users", "9", "--sessions-per-user", "30"], "--sessions-per-user 30 is more than"),
        (["--daily-users", "9", "--new-share", "0.001"], "share of new users lies between"),
        (["--daily-users", "9", "--flush-interval", "0.001"], "flush less often"),
        (["--daily-users", "9", "--worker-memory", "0.1"], "'--worker-memory'"),
        (["--daily-users", "9", "--worker-memory", "0.4"], "give it more memory"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["capacity", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_own_figures_of_cost_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capacity", "--daily-users", "1000", "--cpu-per-million", "123", "--bytes-per-user", "4567"]) == 0
    shown = capsys.readouterr().out
    assert " 123\n" in shown
    assert " 4,567\n" in shown


def test_too_few_partitions_and_workers_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capacity", "--daily-users", "100000000", "--partitions", "4", "--workers", "2"]) == 0
    shown = capsys.readouterr().out
    assert "4 partitions do not suffice: " in shown
    assert "2 workers do not suffice: " in shown
