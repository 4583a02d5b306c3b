import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from deploy.traffic import Population
from deploy.traffic.clock import DAY_MS, day_of, day_start, to_date
from deploy.traffic.days import check_ins, day_of_user, version_on
from deploy.traffic.population import User
from deploy.traffic.sessions import arrival_entry, return_entry, visit
from tests.unit.traffic.brute import instant
from tests.unit.traffic.conftest import END_MS, SEED

START = END_MS - DAY_MS


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(SEED, days=30, users=600, end_ms=END_MS)


def events_of(
    seed: int, user: User, entry: str = ',"scene":1089,"channel":"pull_down"', **kwargs: Any
) -> list[dict[str, Any]]:
    return [json.loads(text) for _, text in visit(Random(seed), user, START, entry, version="1.0.0", **kwargs)]


@pytest.mark.parametrize("seed", range(50))
def test_a_visit_opens_looks_and_closes(population: Population, seed: int) -> None:
    events = [event for event in events_of(seed, population.users[seed]) if event["event"] != "message_sent"]
    names = [event["event"] for event in events]
    assert names[:2] == ["app_open", "page_view"]
    assert names[-1] == "app_close"
    assert names.count("app_open") == names.count("app_close") == 1
    assert events[-1]["duration_ms"] == instant(events[-1]) - START > 0
    times = [instant(event) for event in events]
    assert times == sorted(times)
    assert times[0] == START


def test_the_time_beside_the_text_is_the_time_in_it(population: Population) -> None:
    for seed in range(200):
        for ts, text in visit(Random(seed), population.users[seed], START, return_entry(Random(seed)), version="1"):
            assert instant(json.loads(text)) == ts


def test_orders_carry_an_amount_and_a_written_time(population: Population) -> None:
    orders = [
        event for seed in range(300) for event in events_of(seed, population.users[0]) if event["event"] == "order_paid"
    ]
    assert orders
    assert all(event["amount"] > 0 and event["ts"].endswith("+08:00") for event in orders)


def test_a_notice_follows_an_order_only(population: Population) -> None:
    for seed in range(300):
        names = [event["event"] for event in events_of(seed, population.users[0])]
        assert "message_sent" not in names or "order_paid" in names


def test_scenes_differ_between_arrival_and_return(population: Population) -> None:
    rng = Random(SEED)
    arrivals = Counter(arrival_entry(rng, user).split(",")[1] for user in population.users)
    returns = Counter(return_entry(rng).split(",")[1] for _ in range(1000))
    assert {'"scene":1008', '"scene":1011', '"scene":1084'} <= arrivals.keys()
    assert returns.most_common(1)[0][0] == '"scene":1089'
    assert '"scene":1014' in returns.keys() - arrivals.keys()


def test_only_the_campaigns_users_carry_it_on_arrival(population: Population) -> None:
    for user in population.users:
        entry = arrival_entry(Random(1), user)
        assert ('"campaign"' in entry) is (user.campaign != "")
        if user.campaign:
            assert user.first_day == population.campaign_day
            assert '"channel":"ads"' in entry


def test_check_ins_are_events_of_today_and_of_the_day_made_up(population: Population) -> None:
    yesterday = day_of(START) - 1
    events = events_of(1, population.users[0], check_in_days=(yesterday, None))
    check_in = [event for event in events if event["event"] == "check_in"]
    assert [event.get("for_day") for event in check_in] == [str(to_date(yesterday)), None]


def test_a_habit_checks_in_daily_and_makes_up_only_after_a_miss(population: Population) -> None:
    user = next(user for user in population.users if user.habit_until > user.first_day + 2)
    day = user.first_day + 2
    assert {check_ins(Random(i), user, day, came_yesterday=True) for i in range(50)} == {(None,)}
    assert {check_ins(Random(i), user, day, came_yesterday=False) for i in range(50)} == {(None,), (day - 1, None)}
    assert check_ins(Random(1), user, user.first_day, came_yesterday=False) == (None,)


def test_visits_of_a_day_begin_on_it(population: Population) -> None:
    user, day = population.users[0], population.users[0].first_day
    visits = Counter()  # type: Counter[int]
    for seed in range(300):
        events = day_of_user(Random(seed), population, user, day, came_yesterday=False)
        opened = [ts for ts, text in events if '"event":"app_open"' in text]
        assert all(day_start(day) <= ts < day_start(day + 1) for ts in opened)
        visits[len(opened)] += 1
    assert visits[1] > visits[2] > visits[3] > 0


def test_new_users_run_the_release_at_once_and_the_others_within_days(population: Population) -> None:
    release = population.release_day
    old = [user for user in population.users if user.first_day < release]
    new = [user for user in population.users if user.first_day >= release]
    assert {version_on(population, user, release - 1) for user in old} == {"2.3.1"}
    assert {version_on(population, user, user.first_day) for user in new} == {"2.4.0"}
    assert {version_on(population, user, release + 1) for user in old} == {"2.3.1", "2.4.0"}
    assert {version_on(population, user, release + 3) for user in old} == {"2.4.0"}
