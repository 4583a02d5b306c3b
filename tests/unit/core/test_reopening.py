"""A rebuild from any day on equals the incremental totals, cut to the cells whose last day is not before it."""

import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.apps import AppCatalog, AppSettings
from streams.core.partition_fold import PartitionFold
from streams.core.totals import close_cells, rebuild, settle
from tests.unit.core import brute
from tests.unit.core.support import MONDAY, app_of, event, feed, new_fold, numbers, segment_numbers

PATIENT = AppCatalog(default=AppSettings(allowed_lateness=30, make_up_days=30))
BEGIN, END = date(2023, 11, 20), date(2025, 3, 10)
ALL_DAYS = [BEGIN + timedelta(days=number) for number in range((END - BEGIN).days + 1)]
#: Ends and beginnings of months (with a leap day) and of years, Sundays and Mondays among them.
EDGES = [
    day for day in ALL_DAYS if (day + timedelta(days=1)).day == 1 or day.day == 1 or (day.month, day.day) == (2, 28)
]
WEEK_ENDS = [day for day in ALL_DAYS if day.weekday() in {0, 6}]

day_of_a_visit = st.one_of(st.sampled_from(EDGES), st.sampled_from(WEEK_ENDS), st.sampled_from(ALL_DAYS)).map(brute.day)
visits = st.lists(st.tuples(st.integers(0, 2), day_of_a_visit), min_size=1, max_size=14)
since_days = st.one_of(
    st.sampled_from(EDGES), st.sampled_from(WEEK_ENDS), st.sampled_from([date(2024, 12, 31), date(2024, 2, 29)])
).map(brute.day)

FIRST = brute.day(date(2024, 1, 31))


def messages(days: list[tuple[int, int]], prefix: str = "e") -> list[dict[str, Any]]:
    return [
        event(f"{prefix}{index}", day - MONDAY + 0.5, user=f"u{user}", channel=f"c{user % 2}", name="check_in")
        for index, (user, day) in enumerate(days)
    ]


def settled(fold: PartitionFold) -> None:
    for _ in settle(app_of(fold)):
        pass


def folded(days: list[tuple[int, int]]) -> PartitionFold:
    """The incremental totals of users with these active days, in this order."""
    fold = new_fold(PATIENT)
    feed(fold, messages(days), rekeyed=True)
    settled(fold)
    return fold


def expected_from(days: list[tuple[int, int]], since: int) -> dict[tuple[str, int, int], int]:
    cells: Counter[tuple[str, int, int]] = Counter()
    for user in {user for user, _ in days}:
        of_user = {day for who, day in days if who == user}
        cells += brute.cells(of_user, of_user)
    return {cell: users for cell, users in cells.items() if brute.last_day(*cell) >= since}


@settings(max_examples=60, deadline=None)
@given(visits, since_days, st.randoms(use_true_random=False))
@example([(0, FIRST), (0, FIRST + 365)], FIRST + 365, random.Random(0))
@example([(0, FIRST), (0, FIRST + 366)], FIRST + 366, random.Random(0))
@example([(0, brute.day(date(2024, 12, 1)))], brute.day(date(2024, 12, 31)), random.Random(0))
@example([(0, brute.day(date(2024, 2, 1))), (1, FIRST)], brute.day(date(2024, 2, 29)), random.Random(0))
def test_a_rebuild_equals_the_incremental_totals_of_what_is_open(
    days: list[tuple[int, int]], since: int, chance: random.Random
) -> None:
    expected = expected_from(days, since)
    chance.shuffle(days)
    rebuilt, closed = app_of(folded(days)), app_of(folded(days))
    rebuild(rebuilt, list(rebuilt.users.values()), since)
    close_cells(closed, since)
    assert numbers(rebuilt.totals) == expected
    assert numbers(closed.totals) == expected
    assert segment_numbers(rebuilt.totals) == segment_numbers(closed.totals)


@settings(max_examples=30, deadline=None)
@given(visits, st.sampled_from(EDGES).map(brute.day), visits)
def test_after_a_rebuild_the_fold_goes_on(days: list[tuple[int, int]], since: int, more: list[tuple[int, int]]) -> None:
    """Days from ``since`` on change only cells that the rebuild has."""
    fold = folded(days)
    app = app_of(fold)
    rebuild(app, list(app.users.values()), since)
    more = [(user, max(day, since)) for user, day in more]
    feed(fold, messages(more, "m"), rekeyed=True, start=len(days))
    settled(fold)
    assert numbers(app.totals) == expected_from(days + more, since)
