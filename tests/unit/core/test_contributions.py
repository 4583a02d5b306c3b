"""Incremental = rebuilt = brute force, in any order."""

import random
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.apps import AppCatalog, AppSettings
from streams.core.cells import Cells
from streams.core.contributions import contribute, contribute_check_ins
from streams.core.days import NO_DAY, add
from streams.core.totals import settle
from tests.unit.core import brute
from tests.unit.core.support import MONDAY, app_of, event, feed, new_fold, numbers, segment_numbers

#: Days that reach over weeks, months, a leap day, the 30-day, 28-day and 365-day horizons.
near = st.integers(0, 40)
far = st.integers(0, 460)
days_of_a_user = st.lists(st.one_of(near, far), min_size=1, max_size=25)
PATIENT = AppCatalog(default=AppSettings(allowed_lateness=30, make_up_days=30))


def totals_of(days: list[int], *, check_ins: bool = False) -> Counter[tuple[str, int, int]]:
    """The cells after folding one user's days, each unjudged, in the order given."""
    fold = new_fold(PATIENT)
    name = "check_in" if check_ins else "page_view"
    feed(fold, [event(f"e{index}", day + 0.5, name=name) for index, day in enumerate(days)], rekeyed=True)
    app = app_of(fold)
    for _ in settle(app):
        pass
    return numbers(app.totals)


@given(days_of_a_user)
def test_incremental_equals_brute_force_in_any_order(days: list[int]) -> None:
    assert totals_of(days) == brute.cells({MONDAY + day for day in days}, set())


@given(days_of_a_user)
def test_check_in_streaks_equal_brute_force_in_any_order(days: list[int]) -> None:
    local = {MONDAY + day for day in days}
    assert totals_of(days, check_ins=True) == brute.cells(local, local)


@given(days_of_a_user, st.integers(-20, 500))
@example([0, 380], 370)
def test_a_rebuild_gives_the_cells_that_end_on_since_or_later(days: list[int], since: int) -> None:
    last, bits = NO_DAY, 0
    for day in days:
        last, bits = add(last, bits, MONDAY + day)
    rebuilt = Cells()
    contribute(rebuilt, last, bits, (), MONDAY + since, 1)
    contribute_check_ins(rebuilt, last, bits, MONDAY + since, 1)
    local = {MONDAY + day for day in days}
    expected = {
        cell: count for cell, count in brute.cells(local, local).items() if brute.last_day(*cell) >= MONDAY + since
    }
    assert numbers(rebuilt) == expected


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), near), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_users_add_up_and_order_does_not_matter(visits: list[tuple[int, int]], chance: random.Random) -> None:
    events = [
        event(f"e{index}", day + index / 1000, user=f"u{user}", channel="xyz"[index % 3])
        for index, (user, day) in enumerate(visits)
    ]
    one, other = new_fold(PATIENT), new_fold(PATIENT)
    feed(one, events, rekeyed=True)
    chance.shuffle(events)
    feed(other, events + events[:7], rekeyed=True)
    for fold in (one, other):
        for _ in settle(app_of(fold)):
            pass
    expected: Counter[tuple[str, int, int]] = Counter()
    for user in {user for user, _ in visits}:
        expected += brute.cells({MONDAY + day for who, day in visits if who == user}, set())
    assert numbers(app_of(one).totals) == numbers(app_of(other).totals) == expected
    assert segment_numbers(app_of(one).totals) == segment_numbers(app_of(other).totals)


def test_an_earlier_late_event_moves_the_cohort_in_every_family() -> None:
    fold = new_fold()
    feed(fold, [event("a", 7.5), event("b", 6.5)])
    for _ in settle(app_of(fold)):
        pass
    cells = numbers(app_of(fold).totals)
    assert cells == brute.cells({MONDAY + 6, MONDAY + 7}, set())
    assert cells["new_daily", MONDAY + 6, 1] == 1
    assert ("new_daily", MONDAY + 7, 0) not in cells
    assert cells["new_weekly", MONDAY, 1] == 1
    assert ("new_weekly", MONDAY + 7, 0) not in cells


def test_segments_follow_the_earliest_event() -> None:
    fold = new_fold()
    feed(fold, [event("a", 2.5, channel="ads"), event("b", 3.5, channel="search"), event("c", 2.25, channel="share")])
    for _ in settle(app_of(fold)):
        pass
    assert segment_numbers(app_of(fold).totals) == {
        ("channel", "share", MONDAY + 2, 0): 1,
        ("channel", "share", MONDAY + 2, 1): 1,
        ("platform", "", MONDAY + 2, 0): 1,
        ("platform", "", MONDAY + 2, 1): 1,
    }


@pytest.mark.parametrize(("first", "later"), [("a", "b"), ("b", "a")])
def test_two_first_events_at_one_instant_give_the_same_attributes_in_either_order(first: str, later: str) -> None:
    fold = new_fold()
    feed(fold, [event(first, 2.5, channel=first), event(later, 2.5, channel=later)])
    other = new_fold()
    feed(other, [event(later, 2.5, channel=later), event(first, 2.5, channel=first)])
    assert app_of(fold).users["u"].attributes == app_of(other).users["u"].attributes
