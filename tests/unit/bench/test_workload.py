import json
from collections import Counter

import numpy as np
import pytest
from aiokafka.partitioner import murmur2

from schemas.apps import AppCatalog
from schemas.validator import EventValidator
from streams.core.calendar import Calendar
from tests.bench.filling import homes, message
from tests.bench.scenarios import SCENARIOS
from tests.bench.workload import DAY_MS, START_MS, ZONE_MS, Visits, Workload, visits

EVENTS = 40_000
IN_ORDER = Workload(EVENTS, users=500, per_user_day=20)


def local_days(made: Visits) -> list[int]:
    return [(at_ms + ZONE_MS) // DAY_MS for at_ms in made.at_ms.tolist()]


@pytest.mark.parametrize("per_user_day", [2, 20])
def test_a_user_has_as_many_events_on_a_local_day_as_said(per_user_day: int) -> None:
    made = visits(Workload(EVENTS, users=500, per_user_day=per_user_day))
    days = local_days(made)
    # The last day is cut off at the number of events.
    last = max(days)
    counts = Counter((user, day) for user, day in zip(made.users.tolist(), days, strict=True) if day < last)
    assert set(counts.values()) == {per_user_day}
    assert len(made.users) == EVENTS


def test_days_are_those_of_the_pipeline() -> None:
    calendar = Calendar("Asia/Shanghai", 0)
    made = visits(IN_ORDER)
    assert [calendar.local_day(at_ms) for at_ms in made.at_ms.tolist()] == local_days(made)
    assert (START_MS + ZONE_MS) % DAY_MS == 0


def test_the_share_of_users_that_comes_on_a_day_is_as_said() -> None:
    made = visits(Workload(EVENTS, users=2000, per_user_day=20, daily=0.25))
    first_day = made.at_ms < START_MS + DAY_MS
    assert len(np.unique(made.users[first_day])) / 2000 == pytest.approx(0.25, abs=0.05)


def test_without_delay_time_never_goes_back() -> None:
    assert np.all(np.diff(visits(IN_ORDER).at_ms) >= 0)


def test_the_share_that_is_behind_is_as_said_and_within_a_day() -> None:
    made = visits(Workload(EVENTS, users=500, per_user_day=20, delayed=0.1))
    behind = np.maximum.accumulate(made.at_ms) - made.at_ms
    assert (behind > 0).mean() == pytest.approx(0.1, abs=0.01)
    assert behind.max() <= DAY_MS
    assert behind.max() > DAY_MS / 2


def test_the_same_workload_is_the_same_events() -> None:
    one, two = visits(IN_ORDER), visits(IN_ORDER)
    assert np.array_equal(one.users, two.users)
    assert np.array_equal(one.at_ms, two.at_ms)


def test_homes_are_those_of_kafka() -> None:
    users = 2000
    keys = [message(0, user, START_MS)[0] for user in range(users)]
    assert homes(users, 7).tolist() == [(murmur2(key) & 0x7FFFFFFF) % 7 for key in keys]


def test_messages_keep_the_contract_and_have_ids_of_their_own() -> None:
    values = [message(number, number % 3, START_MS) for number in range(100)]
    events = EventValidator(AppCatalog(), 1 << 16).validate([value for _, value in values])
    assert not [event for event in events if isinstance(event, Exception)]
    assert [json.loads(value)["user_id"].encode() for _, value in values] == [key for key, _ in values]
    assert len({json.loads(value)["event_id"] for _, value in values}) == 100


def test_each_scenario_but_the_first_changes_the_base_and_all_have_us() -> None:
    assert next(iter(SCENARIOS)) == "base"
    assert len({(scenario.workload, scenario.workers) for scenario in SCENARIOS.values()}) == len(SCENARIOS)
    assert all(scenario.contenders[0] == "ours" for scenario in SCENARIOS.values())
