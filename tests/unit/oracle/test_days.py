from datetime import date

import pytest

from schemas.apps import AppSettings
from tests.oracle.contract import instant_ms
from tests.oracle.days import day_number, local_day, month_after, month_of, to_date, week_of

NEW_YORK = AppSettings(time_zone="America/New_York", day_cutoff_minutes=240)


def on(text: str, app: AppSettings) -> str:
    return to_date(local_day(instant_ms(text), app)).isoformat()


def day(text: str) -> int:
    return day_number(date.fromisoformat(text))


def test_days_count_from_1970() -> None:
    assert day("1970-01-01") == 0
    assert day("2024-02-29") == 19_782
    assert to_date(19_782) == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2024-02-28T15:59:59.999Z", "2024-02-28"),
        ("2024-02-28T16:00:00.000Z", "2024-02-29"),
        ("2024-02-29T15:59:59.999Z", "2024-02-29"),
        ("2024-02-29T16:00:00Z", "2024-03-01"),
        ("2023-12-31T16:00:00Z", "2024-01-01"),
    ],
)
def test_day_turns_at_midnight_in_shanghai_by_default(instant: str, expected: str) -> None:
    assert on(instant, AppSettings()) == expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2024-03-09T03:59:59.999-05:00", "2024-03-08"),
        ("2024-03-09T04:00:00-05:00", "2024-03-09"),
        # On the 10th the clocks go from 02:00 to 03:00: it is 04:00 one hour earlier.
        ("2024-03-10T03:59:59.999-04:00", "2024-03-09"),
        ("2024-03-10T04:00:00-04:00", "2024-03-10"),
        ("2024-03-10T08:00:00Z", "2024-03-10"),
        # On 5 November they go back, and it is 04:00 one hour later.
        ("2023-11-05T08:30:00Z", "2023-11-04"),
        ("2023-11-05T09:00:00Z", "2023-11-05"),
    ],
)
def test_cut_off_is_a_time_on_the_wall_also_when_the_clocks_change(instant: str, expected: str) -> None:
    assert on(instant, NEW_YORK) == expected


def test_week_begins_on_monday() -> None:
    assert {to_date(week_of(day(f"2024-01-0{one}"))) for one in range(1, 8)} == {date(2024, 1, 1)}
    assert to_date(week_of(day("2023-12-31"))) == date(2023, 12, 25)


def test_month_is_the_natural_month() -> None:
    assert to_date(month_of(day("2024-02-29"))) == date(2024, 2, 1)
    assert to_date(month_after(day("2023-12-01"), 0)) == date(2023, 12, 1)
    assert to_date(month_after(day("2023-12-01"), 1)) == date(2024, 1, 1)
    assert to_date(month_after(day("2023-12-01"), 14)) == date(2025, 2, 1)
