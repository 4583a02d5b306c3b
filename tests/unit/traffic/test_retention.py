"""The story that the history tells, read back from its messages by brute force."""

from datetime import timedelta

import pytest

from deploy.traffic import History, Message
from deploy.traffic.clock import weekday
from tests.unit.traffic.brute import Life


def last_full_day(history: History) -> int:
    return history.population.last_day - 1


def daily_retention(life: Life, history: History, day: int, n: int) -> float:
    return life.retention(n, last_full_day(history), lambda user: life.first_day(user) == day)


def test_retention_is_that_of_real_life(default: History, default_life: Life) -> None:
    end = last_full_day(default)
    assert 0.15 < default_life.retention(1, end) < 0.25
    assert 0.05 < default_life.retention(7, end) < 0.10
    curve = [default_life.retention(n, end) for n in (1, 2, 3, 7, 14, 30)]
    assert curve == sorted(curve, reverse=True)


@pytest.mark.parametrize("n", [1, 7])
def test_channels_retain_differently(default: History, default_life: Life, n: int) -> None:
    def of(channel: str) -> float:
        return default_life.retention(n, last_full_day(default), lambda user: default_life.channel(user) == channel)

    assert of("ads") < 0.4 * of("qr_offline")
    assert of("share_group") < of("official_account") < of("pull_down")
    assert of("pull_down") > 4 * of("ads")


def test_cohorts_from_the_release_on_retain_better(default: History, default_life: Life) -> None:
    population = default.population
    before = range(population.release_day - 14, population.release_day)
    after = range(population.release_day, last_full_day(default))

    def of(days: range) -> float:
        return default_life.retention(
            1,
            last_full_day(default),
            lambda user: (
                default_life.first_day(user) in days and default_life.first_day(user) != population.campaign_day
            ),
        )

    assert of(after) > 1.25 * of(before)


def test_the_campaign_brings_many_who_do_not_return(default: History, default_life: Life) -> None:
    day = default.population.campaign_day
    size = {d: sum(default_life.first_day(user) == d for user in default_life.first) for d in (day - 1, day, day + 1)}
    assert size[day] > 2 * max(size[day - 1], size[day + 1])
    rates = [daily_retention(default_life, default, d, 1) for d in (day - 1, day, day + 1)]
    assert rates[1] < 0.6 * min(rates[0], rates[2])


def test_both_effects_stand_in_the_last_fourteen_cohorts(default: History) -> None:
    end = default.population.last_day
    assert end - 12 <= default.population.release_day < default.population.campaign_day <= end - 4
    assert default.campaign_date - default.release_date == timedelta(
        days=default.population.campaign_day - default.population.release_day
    )


def test_weekends_are_busier(default: History, default_life: Life) -> None:
    population = default.population
    active = dict.fromkeys(range(population.first_day + 7, population.release_day), 0)
    for days in default_life.days.values():
        for day in days & active.keys():
            active[day] += 1
    weekend = [count for day, count in active.items() if weekday(day) >= 5]
    workdays = [count for day, count in active.items() if weekday(day) < 4]
    assert sum(weekend) / len(weekend) > 1.08 * sum(workdays) / len(workdays)


def runs(days: set[int]) -> list[int]:
    starts = [day for day in days if day - 1 not in days]
    return [next(n for n in range(1, len(days) + 2) if start + n not in days) for start in starts]


def test_check_in_habits_make_streaks_with_breaks(default_life: Life) -> None:
    longest = sorted((max(runs(days)) for days in default_life.check_ins.values()), reverse=True)
    assert sum(length >= 7 for length in longest) > 200
    assert 20 < longest[0] < 60
    assert sum(runs(days).count(1) < len(runs(days)) > 1 for days in default_life.check_ins.values()) > 200


def test_some_check_ins_make_up_for_yesterday(small_messages: tuple[Message, ...]) -> None:
    made_up = [message for message in small_messages if b'"for_day"' in message.value]
    assert made_up
    assert all(b'"event":"check_in"' in message.value for message in made_up)
