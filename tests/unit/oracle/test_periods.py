import pytest

from tests.oracle.view import Row
from tests.unit.oracle.worked import day, did, view

#: Monday 26 February to Monday 11 March; the two days of u1's first week are its Monday and its Sunday.
WEEKS = (did("u1", "2024-02-26"), did("u1", "2024-03-03"), did("u2", "2024-03-04"), did("u1", "2024-03-11"))


@pytest.mark.parametrize(
    ("audience", "start", "period_n", "row"),
    [
        ("new", "2024-02-26", 0, (1, 1, 1.0, 1)),
        ("new", "2024-02-26", 1, (1, 0, 0.0, 0)),
        ("new", "2024-02-26", 2, (1, 1, 1.0, 0)),
        ("new", "2024-02-26", 12, (1, 0, 0.0, 0)),
        ("new", "2024-03-04", 0, (1, 1, 1.0, 0)),
        ("new", "2024-03-11", 0, (0, 0, None, 0)),
        ("active", "2024-02-26", 2, (1, 1, 1.0, 0)),
        ("active", "2024-03-04", 1, (1, 0, 0.0, 0)),
        ("active", "2024-03-11", 0, (1, 1, 1.0, 0)),
    ],
)
def test_weekly(audience: str, start: str, period_n: int, row: Row) -> None:
    rows = view("retention_weekly", *WEEKS)
    assert rows[audience, day(start), period_n] == row
    assert len(rows) == 2 * 3 * 13


def test_week_is_complete_once_its_sunday_and_lateness_are_past() -> None:
    thursday = view("retention_weekly", did("u", "2024-02-26"), did("u", "2024-03-06"))
    assert thursday["new", day("2024-02-26"), 0] == (1, 1, 1.0, 0)
    friday = view("retention_weekly", did("u", "2024-02-26"), did("u", "2024-03-07"))
    assert friday["new", day("2024-02-26"), 0] == (1, 1, 1.0, 1)


def test_weeks_13_to_52_are_shown_for_new_users_once_begun() -> None:
    rows = view("retention_weekly", did("u", "2024-01-01"), did("u", "2024-04-01"))
    assert rows["new", day("2024-01-01"), 13] == (1, 1, 1.0, 0)
    assert len(rows) == 2 * 14 * 13 + 1
    # Monday 2025-01-06 is 53 weeks after Monday 2024-01-01.
    longer = view("retention_weekly", did("u", "2024-01-01"), did("u", "2025-01-06"))
    assert max(period_n for _, _, period_n in longer) == 52


def test_week_that_holds_the_year_end_is_one_week() -> None:
    rows = view("retention_weekly", did("u", "2024-12-30"), did("u", "2025-01-05"))
    assert {start for _, start, _ in rows} == {day("2024-12-30")}


@pytest.mark.parametrize(
    ("audience", "start", "period_n", "row"),
    [
        ("new", "2023-12-01", 0, (1, 1, 1.0, 1)),
        ("new", "2023-12-01", 1, (1, 0, 0.0, 1)),
        ("new", "2023-12-01", 2, (1, 1, 1.0, 0)),
        ("new", "2023-12-01", 12, (1, 0, 0.0, 0)),
        ("new", "2024-01-01", 0, (1, 1, 1.0, 1)),
        ("new", "2024-01-01", 1, (1, 0, 0.0, 0)),
        ("new", "2024-02-01", 0, (0, 0, None, 0)),
        ("active", "2023-12-01", 2, (1, 1, 1.0, 0)),
        ("active", "2024-02-01", 0, (1, 1, 1.0, 0)),
    ],
)
def test_monthly(audience: str, start: str, period_n: int, row: Row) -> None:
    rows = view("retention_monthly", did("u", "2023-12-31"), did("v", "2024-01-01"), did("u", "2024-02-29"))
    assert rows[audience, day(start), period_n] == row
    assert len(rows) == 2 * 3 * 13


def test_unbounded_counts_a_return_for_every_offset_up_to_it() -> None:
    rows = view("retention_unbounded", did("u1", "2024-03-01"), did("u2", "2024-03-01"), did("u1", "2024-03-04"))
    retained = [rows[day("2024-03-01"), day_n][1] for day_n in range(31)]
    assert retained == [2, 1, 1, 1] + [0] * 27
    assert rows[day("2024-03-01"), 1] == (2, 1, 0.5, 0)
    assert rows[day("2024-03-02"), 0] == (0, 0, None, 0)
    assert len(rows) == 4 * 31


def test_unbounded_ends_365_days_after_the_first_day() -> None:
    # 2024-01-01 is 365 days after 2023-01-01.
    inside = view("retention_unbounded", did("u", "2023-01-01"), did("u", "2024-01-01"))
    assert inside[day("2023-01-01"), 365] == (1, 1, 1.0, 0)
    outside = view("retention_unbounded", did("u", "2023-01-01"), did("u", "2024-01-02"))
    assert outside[day("2023-01-01"), 1] == (1, 0, 0.0, 0)
    assert (day("2023-01-01"), 366) not in outside


def test_unbounded_is_complete_once_the_whole_horizon_is() -> None:
    last_open = view("retention_unbounded", did("u", "2023-01-01"), did("u", "2024-01-04"))
    assert last_open[day("2023-01-01"), 0] == (1, 1, 1.0, 0)
    closed = view("retention_unbounded", did("u", "2023-01-01"), did("u", "2024-01-05"))
    assert closed[day("2023-01-01"), 0] == (1, 1, 1.0, 1)
    assert closed[day("2023-01-02"), 0] == (0, 0, None, 0)
