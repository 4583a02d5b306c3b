import json
from collections.abc import Iterator
from itertools import islice, pairwise, takewhile

import pytest

from deploy.traffic import Expected, History, Message, live
from deploy.traffic.clock import HOUR_MS, MINUTE_MS, day_of, day_start
from deploy.traffic.population import visitors
from schemas.apps import AppCatalog
from schemas.errors import InvalidEvent
from schemas.validator import EventValidator
from tests.unit.traffic.conftest import END_MS, SEED


def until(messages: Iterator[Message], end_ms: int) -> list[Message]:
    return list(takewhile(lambda message: message.timestamp_ms < end_ms, messages))


def users_of(messages: list[Message]) -> set[str]:
    return {json.loads(m.value)["user_id"] for m in messages if m.expected is Expected.ACCEPTED}


def test_same_seed_and_start_give_the_same_messages(small: History) -> None:
    runs = [list(islice(live(SEED, 30, END_MS, small.population), 3_000)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] != list(islice(live(SEED + 1, 30, END_MS, small.population), 3_000))
    assert runs[0] != list(islice(live(SEED, 30, END_MS + 1, small.population), 3_000))


def test_messages_come_in_order_and_begin_at_once(small: History) -> None:
    messages = list(islice(live(SEED, 30, END_MS, small.population), 3_000))
    assert all(a.timestamp_ms <= b.timestamp_ms for a, b in pairwise(messages))
    assert END_MS < messages[0].timestamp_ms < END_MS + 5_000


@pytest.mark.parametrize("rate", [5, 50])
def test_the_rate_is_met_after_the_first_visits(small: History, rate: float) -> None:
    start, end = END_MS + 15 * MINUTE_MS, END_MS + 75 * MINUTE_MS
    messages = until(live(SEED, rate, END_MS, small.population), end)
    steady = sum(message.timestamp_ms >= start for message in messages)
    assert steady / 3600 == pytest.approx(rate, rel=0.1)


def test_messages_obey_the_contract_but_for_those_meant_to_break_it(small: History) -> None:
    messages = list(islice(live(SEED, 50, END_MS, small.population), 10_000))
    results = EventValidator(AppCatalog(), 262_144).validate(message.value for message in messages)
    for message, result in zip(messages, results, strict=True):
        assert isinstance(result, InvalidEvent) is (message.expected is Expected.INVALID), message
    assert {message.expected for message in messages} == set(Expected)


def test_nothing_is_late_in_the_first_minute(small: History) -> None:
    messages = until(live(SEED, 500, END_MS, small.population), END_MS + MINUTE_MS)
    assert len(messages) > 5_000
    assert Expected.LATE not in {message.expected for message in messages}


def test_known_users_who_come_are_those_whom_the_population_sends(small: History) -> None:
    population = small.population
    messages = until(live(SEED, 20, END_MS, population), END_MS + HOUR_MS)
    known = {user.user_id for user in population.users}
    due = {user.user_id for user in visitors(population.users, population.seed, day_of(END_MS))}
    seen = users_of(messages)
    assert seen & known <= due
    assert len(seen & known) > 0.9 * len(due)
    assert len(seen - known) > 100


def test_the_population_is_not_changed(small: History) -> None:
    before = list(small.population.users)
    for _ in islice(live(SEED, 50, END_MS, small.population), 2_000):
        pass
    assert small.population.users == before


def test_after_midnight_yesterdays_newcomers_may_return(small: History) -> None:
    midnight = day_start(day_of(END_MS) + 1)
    start = midnight - HOUR_MS // 2
    messages = until(live(SEED, 20, start, small.population), midnight + HOUR_MS)
    known = {user.user_id for user in small.population.users}
    opened: dict[str, set[int]] = {}
    for message in messages:
        if message.expected is Expected.ACCEPTED:
            event = json.loads(message.value)
            if event["event"] == "app_open":
                opened.setdefault(event["user_id"], set()).add(day_of(event["ts"]))
    newcomers = {user: days for user, days in opened.items() if user not in known and day_of(END_MS) in days}
    back = sum(day_of(END_MS) + 1 in days for days in newcomers.values())
    assert 0.05 < back / len(newcomers) < 0.5


def test_nobody_checks_in_twice_a_day(small: History) -> None:
    messages = until(live(SEED, 20, END_MS, small.population), END_MS + HOUR_MS)
    check_ins = [
        json.loads(m.value)
        for m in messages
        if m.expected is Expected.ACCEPTED and b'"event":"check_in"' in m.value and b'"for_day"' not in m.value
    ]
    assert check_ins
    assert len({event["user_id"] for event in check_ins}) == len(check_ins)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_is_none_is_refused_at_once(small: History, rate: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        live(SEED, rate, END_MS, small.population)
