"""The model's count formulas against a simulated population that goes through the real fold."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import NamedTuple, cast

import pytest

from deploy.capacity_cells import changed_cells, daily_cells, open_cells
from deploy.capacity_population import PULLS, Behaviour, behaviour
from schemas.apps import AppSettings
from schemas.event import Event
from streams.core.app_fold import AppFold
from streams.core.state import UserState
from streams.core.totals import close_cells, settle
from tests.unit.core.support import DAY_MS, MONDAY, MONDAY_MS

DAYS = 40
NEW_SHARE, DAY1_RETENTION = 0.2, 0.3
#: Values of the segments ``channel`` and ``platform``.
SEGMENTS = (10, 4)
OPEN_DAYS = 6
#: Families that the model counts together.
TOGETHER = {
    "new_weekly": "weekly",
    "active_weekly": "weekly",
    "new_monthly": "monthly",
    "active_monthly": "monthly",
}
#: Relative error up to which the model has to be right, in the total and in each family of more than 20 cells.
TOTAL, FAMILY = 0.05, 0.15


class Simulated(NamedTuple):
    """Cells by family: changed by a flush of the last day, on average, and open at the end of that day."""

    daily_users: float
    changed: Counter[str]
    flushes: int
    open: Counter[str]


def model() -> Behaviour:
    return behaviour(NEW_SHARE, DAY1_RETENTION, DAYS)


def _events(chance: Random, newcomers: int, decay: float) -> Iterator[list[Event]]:
    """The first events of each day's users, in random order; the users behave as the model says."""
    users: list[tuple[int, float, str, str]] = []
    for day in range(DAYS):
        active = [
            number
            for number, (first, pull, _, _) in enumerate(users)
            if chance.random() < min(0.9, DAY1_RETENTION * pull * (day - first) ** -decay)
        ]
        for _ in range(newcomers):
            active.append(len(users))
            channel, platform = f"c{chance.randrange(SEGMENTS[0])}", f"p{chance.randrange(SEGMENTS[1])}"
            users.append((day, chance.choice(PULLS), channel, platform))
        chance.shuffle(active)
        yield [_event(day, number, users[number][2], users[number][3]) for number in active]


def _event(day: int, user: int, channel: str, platform: str) -> Event:
    ts = MONDAY_MS + day * DAY_MS + 1
    fields = {"event_id": f"{day}", "app_id": "app", "user_id": f"u{user}", "event": "page_view", "ts": ts}
    return cast("Event", {**fields, "channel": channel, "platform": platform})


def _at_random_times(chance: Random, events: list[Event], flushes: int) -> list[list[Event]]:
    """Each event falls into any of the day's flushes."""
    split: list[list[Event]] = [[] for _ in range(flushes)]
    for event in events:
        split[chance.randrange(flushes)].append(event)
    return split


@cache
def simulated(newcomers: int, per_flush: int) -> Simulated:
    app = AppFold("app", AppSettings())
    daily_users: list[int] = []
    changed: Counter[str] = Counter()
    chance = Random(newcomers)
    for number, events in enumerate(_events(chance, newcomers, model().decay)):
        day = MONDAY + number
        daily_users.append(len(events))
        flushes = max(1, round(len(events) / per_flush))
        for flush in _at_random_times(chance, events, flushes):
            for event in flush:
                app.apply(app.users.setdefault(event["user_id"], UserState()), event, day)
            for group in settle(app):
                if number == DAYS - 1:
                    changed[group.family] += len(group.keys)
        close_cells(app, day - OPEN_DAYS)
    found: Counter[str] = Counter()
    for family, _, _, _, totals in app.totals.groups():
        found[TOGETHER.get(family, family)] += len(totals)
    return Simulated(daily_users[-1], changed, flushes, found)


def check(expected: dict[str, float], found: dict[str, float]) -> None:
    assert sum(expected.values()) == pytest.approx(sum(found.values()), rel=TOTAL), (expected, found)
    for family in expected.keys() | found.keys():
        if found.get(family, 0) > 20 or expected.get(family, 0) > 20:
            assert expected[family] == pytest.approx(found[family], rel=FAMILY), (family, expected, found)


@pytest.mark.parametrize("newcomers", [50, 500])
def test_the_users_of_a_day_are_as_many_as_the_share_of_new_ones_says(newcomers: int) -> None:
    assert simulated(newcomers, 20).daily_users == pytest.approx(newcomers / NEW_SHARE, rel=0.1)


@pytest.mark.parametrize("newcomers", [50, 500])
def test_open_cells_are_as_many_as_the_model_says(newcomers: int) -> None:
    found = simulated(newcomers, 20).open
    check(open_cells(model(), newcomers / NEW_SHARE, SEGMENTS, OPEN_DAYS), dict(found))


@pytest.mark.parametrize("per_flush", [1, 5, 20, 100])
def test_a_flush_changes_as_many_cells_as_the_model_says(per_flush: int) -> None:
    run = simulated(500, per_flush)
    found = {family: count / run.flushes for family, count in run.changed.items()}
    check(changed_cells(model(), per_flush, SEGMENTS), found)


def test_the_cells_of_a_day_are_those_that_stay_open_longest_divided_by_the_days() -> None:
    daily = daily_cells(model(), 2500, SEGMENTS)
    still = open_cells(model(), 2500, SEGMENTS, OPEN_DAYS)
    for family in ("active_daily", "streak_activity"):
        assert daily[family] * (OPEN_DAYS + 1) == pytest.approx(still[family])
    assert daily["new_daily"] * (OPEN_DAYS + 1) > still["new_daily"]  # the app is young: a cohort fewer each day before
    assert daily["unbounded"] <= DAYS


def test_more_users_touch_more_cells_but_each_touches_fewer() -> None:
    few, many = (sum(changed_cells(model(), users, SEGMENTS).values()) for users in (10, 100))
    assert few < many < 10 * few


def test_shares_that_no_decay_gives_are_refused_with_what_is_possible() -> None:
    with pytest.raises(
        ValueError, match=r"the share of new users lies between 0\.0\d+ and 0\.\d+, it cannot be 0\.001"
    ):
        behaviour(0.001, 0.3, DAYS)


def test_the_shares_of_a_day_add_up() -> None:
    by_age = model().by_age
    assert by_age.sum() == pytest.approx(1)
    assert by_age[0] == pytest.approx(NEW_SHARE, rel=1e-6)
    assert model().gap_over(DAYS) == pytest.approx(NEW_SHARE, rel=1e-6)
    runs = [model().run_of(length) for length in range(1, DAYS + 1)]
    assert sum(runs) == pytest.approx(1)
