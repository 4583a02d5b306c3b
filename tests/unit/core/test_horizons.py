"""How far each cell reaches and how long it stays open, at the edges: horizons, windows, ends of months and years."""

from collections import Counter
from datetime import date
from itertools import combinations

import pytest

from streams.core.app_fold import AppFold
from streams.core.cells import FAMILIES, UNBOUNDED, Cells
from streams.core.contributions import contribute, mark_segments, mark_unbounded
from streams.core.days import NO_DAY, add
from streams.core.totals import close_cells, settle
from tests.unit.core import brute
from tests.unit.core.support import MONDAY as SOME_MONDAY
from tests.unit.core.support import app_of, event, feed, new_fold, numbers

Found = Counter[tuple[str, int, int]]

#: First days of different kinds: a Monday before a leap day, a Sunday, a leap day, ends of the year, first of a month.
FIRST_DAYS = [
    brute.day(date(*ymd))
    for ymd in ((2024, 2, 26), (2023, 10, 1), (2024, 2, 29), (2023, 12, 31), (2024, 1, 1), (2024, 7, 1), (2025, 1, 31))
]
#: Days after the first where some family begins, ends, or changes its answer.
AGES = [1, 2, 6, 7, 8, 13, 27, 28, 29, 30, 31, 32, 83, 84, 90, 91, 363, 364, 365, 366, 367, 371, 372, 395, 396, 397]


def contributed(days: set[int], since: int = 0, sign: int = 1) -> Found:
    last, bits = NO_DAY, 0
    for day in days:
        last, bits = add(last, bits, day)
    cells = Cells()
    contribute(cells, last, bits, (), since, sign)
    return numbers(cells)


def folded(days: list[int]) -> Found:
    """The cells after folding one user's days in the order given."""
    fold = new_fold()
    feed(fold, [event(f"e{index}", day - SOME_MONDAY + 0.5) for index, day in enumerate(days)], rekeyed=True)
    for _ in settle(app_of(fold)):
        pass
    return numbers(app_of(fold).totals)


@pytest.mark.parametrize("first", FIRST_DAYS)
def test_two_active_days_at_every_edge_in_order_backwards_and_rebuilt(first: int) -> None:
    for age in AGES:
        expected = brute.cells({first, first + age}, set())
        assert contributed({first, first + age}) == expected, age
        assert folded([first, first + age]) == expected, age
        assert folded([first + age, first]) == expected, age


@pytest.mark.parametrize("first", FIRST_DAYS[:3])
def test_three_active_days_at_every_pair_of_edges(first: int) -> None:
    for ages in combinations([1, 6, 7, 27, 28, 30, 31, 364, 365, 366, 367], 2):
        days = [first, *(first + age for age in ages)]
        expected = brute.cells(set(days), set())
        assert folded(days) == expected, ages
        assert contributed(set(days)) == expected, ages


@pytest.mark.parametrize(("reach", "cells"), [(0, 1), (1, 2), (364, 365), (365, 366), (366, 0), (700, 0)])
def test_unbounded_cells_reach_to_day_365_and_no_further(reach: int, cells: int) -> None:
    found = Cells()
    mark_unbounded(found, 20_000, -1, 20_000 + reach, 1)
    assert found.families[UNBOUNDED] == {20_000 << 16 | n: 1 for n in range(cells)}


@pytest.mark.parametrize("reached", [-1, 0, 363, 364, 365])
@pytest.mark.parametrize("reach", [364, 365, 366])
def test_unbounded_cells_are_added_beyond_what_was_reached(reached: int, reach: int) -> None:
    found = Cells()
    mark_unbounded(found, 20_000, reached, 20_000 + reach, -1)
    assert found.families[UNBOUNDED] == {
        20_000 << 16 | n: -1 for n in (range(reached + 1, reach + 1) if reach <= 365 else ())
    }


@pytest.mark.parametrize("age", [364, 365, 366])
def test_the_cohort_of_a_segment_ends_with_the_horizon(age: int) -> None:
    found = Cells()
    mark_segments(found, 20_000, 20_000 + age, (("channel", "ads"),), 1)
    assert dict(found.segments) == ({("channel", "ads"): {20_000 << 16 | age: 1}} if age <= 365 else {})


@pytest.mark.parametrize("last_return", [0, 300, 364, 365, 366])
@pytest.mark.parametrize("since", [364, 365, 366, 367])
def test_a_rebuild_has_the_unbounded_cells_until_their_last_day(since: int, last_return: int) -> None:
    days = {20_000, 20_000 + last_return, 20_000 + 380}
    found = contributed(days, 20_000 + since)
    expected = brute.cells(days, set())
    assert found == {cell: n for cell, n in expected.items() if brute.last_day(*cell) >= 20_000 + since}
    assert any(family == "unbounded" for family, _, _ in found) == (since <= 365)


@pytest.mark.parametrize("first", FIRST_DAYS)
@pytest.mark.parametrize("back", [27, 28, 29, 30, 31, 32])
def test_a_rebuild_looks_back_as_far_as_an_open_window_or_month_reaches(first: int, back: int) -> None:
    days = {first, first - 400}
    expected = brute.cells(days, set())
    assert contributed(days, first + back) == {
        cell: n for cell, n in expected.items() if brute.last_day(*cell) >= first + back
    }


def one_cell(family: str, start: int, n: int) -> AppFold:
    app = app_with_no_user()
    app.totals.families[FAMILIES.index(family)][start << 16 | n] = 5
    return app


def app_with_no_user() -> AppFold:
    fold = new_fold()
    app = fold.app("app")
    assert app is not None
    return app


PERIODS = {
    "new_daily": [0, 1, 364, 365],
    "active_daily": [0, 1, 30],
    "new_weekly": [0, 1, 51, 52],
    "active_weekly": [0, 1, 12],
    "new_monthly": [0, 1, 2, 11, 12],
    "active_monthly": [0, 1, 2, 11, 12],
    "unbounded": [0, 1, 364, 365],
    "wau": [0],
    "mau": [0],
    "histogram_7": [1, 7],
    "histogram_28": [1, 28],
    "streak_activity": [1, 30],
    "streak_check_in": [1, 30],
}


def starts(family: str) -> list[int]:
    """Mondays for weeks, firsts of every month of four years for months, any day for the rest."""
    if family.endswith("weekly"):
        return [brute.day(brute.monday(brute.EPOCH.fromordinal(day + brute.EPOCH.toordinal()))) for day in FIRST_DAYS]
    if family.endswith("monthly"):
        return [brute.day(date(year, month, 1)) for year in (2023, 2024, 2025, 2028) for month in range(1, 13)]
    return FIRST_DAYS


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cell_closes_when_its_last_day_has_passed_and_not_before(family: str) -> None:
    for start in starts(family):
        for n in PERIODS[family]:
            last = brute.last_day(family, start, n)
            app = one_cell(family, start, n)
            close_cells(app, last)
            assert numbers(app.totals) == {(family, start, n): 5}, "it can change on its last day"
            close_cells(app, last + 1)
            assert numbers(app.totals) == {}
