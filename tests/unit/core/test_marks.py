"""Marks in columns equal those one by one, whatever the sets of days."""

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.core import days, marks
from streams.core.calendar import month_start, next_month
from streams.core.cells import FAMILIES, Cells
from streams.core.contributions import mark, mark_unbounded
from streams.core.marks import mark_all

#: 1 March 2024, a Friday, behind a leap day.
MARCH = 19_783

#: Of days that are close together, and of any days of two years.
bits = st.one_of(
    st.integers(0, 2**40 - 1),
    st.sets(st.integers(0, 760), max_size=12).map(lambda ages: sum(1 << age for age in ages)),
).map(lambda any_bits: any_bits | 1)
sets_of_days = st.tuples(st.integers(MARCH - 40, MARCH + 40), bits)
marks_of_users = st.dictionaries(sets_of_days, st.integers(1, 9), max_size=40)


def one_by_one(found: dict[tuple[int, int], int]) -> Cells:
    cells = Cells()
    for (day, through), users in found.items():
        before = through ^ 1
        first = days.first(day, through)
        mark(cells, first, before, day, 0, users)
        earlier = list(days.iterate(day - 1, before >> 1, first))
        mark_unbounded(cells, first, earlier[-1] - first if earlier else -1, day, users)
    return cells


def numbers(cells: Cells) -> dict[str, dict[int, int]]:
    """Zeros too: a cell that rose and fell again is published."""
    return {family: dict(found) for family, found in zip(FAMILIES, cells.families, strict=True)}


@pytest.fixture(params=[1, 10, 10**9], ids=["all in columns", "mixed", "each alone"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "_FEW", request.param)
    monkeypatch.setattr(marks, "_AT_ONCE", 7)


@pytest.mark.usefixtures("few")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=marks_of_users)
def test_columns_equal_one_by_one(found: dict[tuple[int, int], int]) -> None:
    cells = Cells()
    mark_all(cells, found)
    assert numbers(cells) == numbers(one_by_one(found))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("day", range(month_start(MARCH), next_month(MARCH), 3))
def test_every_pair_of_days_within_fourteen_months(day: int) -> None:
    found = {(day, 1 << age | 1): 1 for age in range(430)}
    cells = Cells()
    mark_all(cells, found)
    assert numbers(cells) == numbers(one_by_one(found))


@pytest.mark.usefixtures("few")
def test_what_is_there_already_stays() -> None:
    cells = one_by_one({(MARCH, 0b101): 2})
    mark_all(cells, {(MARCH, 0b1011): 3, (MARCH, 0b1): 1})
    expected = one_by_one({(MARCH, 0b101): 2, (MARCH, 0b1011): 3, (MARCH, 0b1): 1})
    assert numbers(cells) == numbers(expected)


def test_nothing_is_marked_for_nobody() -> None:
    cells = Cells()
    mark_all(cells, defaultdict(int))
    assert numbers(cells) == numbers(Cells())
