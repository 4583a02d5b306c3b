import json
from random import Random

import pytest

from deploy.traffic import Population
from deploy.traffic.channels import CHANNELS
from deploy.traffic.clock import day_of, day_start, to_date, weekday
from deploy.traffic.population import visitors
from tests.unit.traffic.conftest import END_MS, SEED


@pytest.mark.parametrize(("days", "users"), [(1, 1), (1, 50), (2, 7), (60, 20), (60, 2_000)])
def test_exactly_the_users_asked_for_arrive_in_order(days: int, users: int) -> None:
    population = Population(SEED, days, users, END_MS)
    assert len(population.users) == users
    arrivals = [user.first_day for user in population.users]
    assert arrivals == sorted(arrivals)
    assert population.last_day - days < min(arrivals)
    assert max(arrivals) <= population.last_day == day_of(END_MS)
    assert [user.index for user in population.users] == list(range(users))
    assert len({user.user_id for user in population.users}) == users


def test_newcomers_of_all_days_are_all_users() -> None:
    population = Population(SEED, 30, 500, END_MS)
    days = range(population.first_day, population.last_day + 1)
    assert [user for day in days for user in population.newcomers(day)] == population.users


def test_a_user_does_not_depend_on_how_many_there_are() -> None:
    few, many = (Population(SEED, 1, users, END_MS) for users in (10, 100))
    assert [user.user_id for user in few.users] == [user.user_id for user in many.users[:10]]


def test_only_users_who_came_before_can_come_back() -> None:
    population = Population(SEED, 10, 500, END_MS)
    day = population.first_day + 4
    back = visitors(population.users, SEED, day)
    assert back
    assert all(user.first_day < day for user in back)
    assert visitors(population.users, SEED, population.first_day) == []


def test_who_comes_back_is_fixed_by_the_day_alone() -> None:
    population = Population(SEED, 10, 500, END_MS)
    later = [*population.users, *(population.draw(500 + i, population.last_day) for i in range(20))]
    day = population.last_day
    assert visitors(population.users, SEED, day) == visitors(later, SEED, day)


def test_inviters_are_earlier_users() -> None:
    population = Population(SEED, 10, 400, END_MS)
    index = {user.user_id: user.index for user in population.users}
    invited = 0
    for user in population.users:
        profile = json.loads(f"{{{user.profile[1:]}}}")
        if "inviter_id" in profile:
            invited += 1
            assert index[profile["inviter_id"]] < user.index
    assert invited > 50


def test_the_app_id_may_be_any_text() -> None:
    population = Population(SEED, 1, 1, END_MS, app_id='茶 "铺"')
    head = population.users[0].head
    assert json.loads('{"event_id":"x' + head + 'y"}')["app_id"] == '茶 "铺"'


def test_shares_of_channels_add_up() -> None:
    assert sum(channel.share for channel in CHANNELS) == pytest.approx(1)
    assert len({channel.name for channel in CHANNELS}) == len(CHANNELS)


def test_local_days_begin_at_midnight_in_china() -> None:
    midnight = 1_772_294_400_000  # 2026-03-01T00:00:00+08:00
    day = day_of(midnight)
    assert day_start(day) == midnight
    assert day_of(midnight - 1) == day - 1
    assert to_date(day).isoformat() == "2026-03-01"
    for offset in range(-400, 400):
        assert weekday(day + offset) == to_date(day + offset).weekday()


def test_drawing_is_independent_of_the_global_random_state() -> None:
    first = Population(SEED, 2, 5, END_MS).users
    Random().random()
    assert Population(SEED, 2, 5, END_MS).users == first
