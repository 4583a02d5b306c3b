import pytest

from tests.oracle.view import Row
from tests.unit.oracle.worked import day, did, one_app, view

#: Over the leap day: u1 three days running, u2 once, u3 back after a day's pause. Today is 2 March.
FOUR_DAYS = (
    did("u1", "2024-02-28"),
    did("u2", "2024-02-28"),
    did("u1", "2024-02-29"),
    did("u3", "2024-02-29"),
    did("u1", "2024-03-01"),
    did("u3", "2024-03-02"),
)


@pytest.mark.parametrize(
    ("audience", "cohort", "day_n", "row"),
    [
        ("new", "2024-02-28", 0, (2, 2, 1.0, 0)),
        ("new", "2024-02-28", 1, (2, 1, 0.5, 0)),
        ("new", "2024-02-28", 2, (2, 1, 0.5, 0)),
        ("new", "2024-02-28", 3, (2, 0, 0.0, 0)),
        ("new", "2024-02-29", 0, (1, 1, 1.0, 0)),
        ("new", "2024-02-29", 1, (1, 0, 0.0, 0)),
        ("new", "2024-02-29", 2, (1, 1, 1.0, 0)),
        ("new", "2024-03-01", 0, (0, 0, None, 0)),
        ("new", "2024-03-02", 0, (0, 0, None, 0)),
        ("active", "2024-02-28", 0, (2, 2, 1.0, 0)),
        ("active", "2024-02-28", 1, (2, 1, 0.5, 0)),
        ("active", "2024-02-28", 3, (2, 0, 0.0, 0)),
        ("active", "2024-02-29", 0, (2, 2, 1.0, 0)),
        ("active", "2024-02-29", 1, (2, 1, 0.5, 0)),
        ("active", "2024-02-29", 2, (2, 1, 0.5, 0)),
        ("active", "2024-03-01", 0, (1, 1, 1.0, 0)),
        ("active", "2024-03-01", 1, (1, 0, 0.0, 0)),
        ("active", "2024-03-02", 0, (1, 1, 1.0, 0)),
    ],
)
def test_daily(audience: str, cohort: str, day_n: int, row: Row) -> None:
    assert view("retention_daily", *FOUR_DAYS)[audience, day(cohort), day_n] == row


def test_daily_has_a_row_for_each_day_of_the_calendar_and_each_of_31_offsets() -> None:
    rows = view("retention_daily", *FOUR_DAYS)
    assert len(rows) == 2 * 4 * 31
    assert {cohort for _, cohort, _ in rows} == {day(f"2024-{one}") for one in ("02-28", "02-29", "03-01", "03-02")}


def test_day_that_has_not_come_is_a_row_that_is_not_complete() -> None:
    rows = view("retention_daily", *FOUR_DAYS)
    assert rows["new", day("2024-02-28"), 4] == (2, 0, 0.0, 0)
    assert rows["new", day("2024-02-28"), 30] == (2, 0, 0.0, 0)


def test_cell_is_complete_once_today_is_past_its_day_and_lateness() -> None:
    rows = view("retention_daily", did("u", "2024-03-01"), did("u", "2024-03-06"))
    assert rows["new", day("2024-03-01"), 0] == (1, 1, 1.0, 1)
    assert rows["new", day("2024-03-01"), 1] == (1, 0, 0.0, 1)
    assert rows["new", day("2024-03-01"), 2] == (1, 0, 0.0, 0)
    at_once = view(
        "retention_daily", did("u", "2024-03-01"), did("u", "2024-03-02"), catalog=one_app(allowed_lateness=0)
    )
    assert at_once["active", day("2024-03-01"), 0] == (1, 1, 1.0, 1)
    assert at_once["active", day("2024-03-01"), 1] == (1, 1, 1.0, 0)


def test_user_active_once_only_is_in_offset_0_and_nothing_else() -> None:
    rows = view("retention_daily", did("once", "2024-03-01"), did("other", "2024-03-09"))
    retained = [(key[2], row[1]) for key, row in rows.items() if key[:2] == ("new", day("2024-03-01"))]
    assert [day_n for day_n, users in retained if users] == [0]


def test_events_either_side_of_midnight_are_on_two_days() -> None:
    events = (did("u", "2024-02-29T23:59:59.999+08:00"), did("u", "2024-03-01T00:00:00+08:00"))
    assert view("retention_daily", *events)["new", day("2024-02-29"), 1] == (1, 1, 1.0, 0)


def test_year_end_and_leap_day_are_one_day_each() -> None:
    year_end = view("retention_daily", did("u", "2023-12-31"), did("u", "2024-01-01"))
    assert year_end["new", day("2023-12-31"), 1][1] == 1
    leap_year = view("retention_daily", did("u", "2024-02-28"), did("u", "2024-03-01"))
    assert [leap_year["new", day("2024-02-28"), day_n][1] for day_n in (1, 2)] == [0, 1]
    other_year = view("retention_daily", did("u", "2023-02-28"), did("u", "2023-03-01"))
    assert other_year["new", day("2023-02-28"), 1][1] == 1


def test_new_users_are_followed_for_365_days_and_active_ones_for_30() -> None:
    # 2024-02-05 is 400 days after 2023-01-01, and 365 after 2023-02-05.
    rows = view("retention_daily", did("u", "2023-01-01"), did("u", "2024-01-01"), did("u", "2024-02-05"))
    assert rows["new", day("2023-01-01"), 365] == (1, 1, 1.0, 1)
    assert ("new", day("2023-01-01"), 366) not in rows
    assert rows["new", day("2023-02-05"), 365] == (0, 0, None, 0)
    assert ("new", day("2023-02-06"), 365) not in rows
    assert rows["new", day("2023-02-06"), 364] == (0, 0, None, 0)
    assert ("active", day("2023-01-01"), 31) not in rows


def test_system_events_make_nobody_active_but_move_today() -> None:
    rows = view("retention_daily", did("u", "2024-03-01"), did("u", "2024-03-02", "message_sent"))
    assert rows["new", day("2024-03-01"), 1] == (1, 0, 0.0, 0)
    assert rows["active", day("2024-03-02"), 0] == (0, 0, None, 0)
    assert not view("retention_daily", did("u", "2024-03-02", "message_sent"))


def test_qualifying_events_are_the_apps_choice() -> None:
    events = (did("u", "2024-03-01"), did("u", "2024-03-02", "order_paid"))
    rows = view("retention_daily", *events, catalog=one_app(qualifying=frozenset({"order_paid"})))
    assert min(cohort for _, cohort, _ in rows) == day("2024-03-02")


def test_repeats_change_nothing() -> None:
    for name in ("retention_daily", "retention_unbounded", "streaks_daily", "user_activity"):
        assert view(name, *FOUR_DAYS, *FOUR_DAYS) == view(name, *FOUR_DAYS)


def test_user_in_two_apps_is_two_users_on_a_common_calendar() -> None:
    elsewhere = did("u", "2024-03-04") | {"app_id": "b"}
    rows = view("retention_daily", did("u", "2024-03-01"), elsewhere)
    assert rows["new", day("2024-03-01"), 3] == (1, 0, 0.0, 0)
    assert rows["active", day("2024-03-04"), 0] == (0, 0, None, 0)


def test_earlier_event_that_arrives_late_moves_the_first_day_everywhere() -> None:
    # Friday 1 March, then the Thursday before it, a leap day: another month.
    events = (did("u", "2024-03-01", channel="second"), did("u", "2024-02-29", channel="first"))
    daily = view("retention_daily", *events)
    assert daily["new", day("2024-02-29"), 1] == (1, 1, 1.0, 0)
    assert daily["new", day("2024-03-01"), 0] == (0, 0, None, 0)
    monthly = view("retention_monthly", *events)
    assert monthly["new", day("2024-02-01"), 1] == (1, 1, 1.0, 0)
    assert monthly["new", day("2024-03-01"), 0] == (0, 0, None, 0)
    assert view("retention_unbounded", *events)[day("2024-02-29"), 1] == (1, 1, 1.0, 0)
    segments = view("retention_daily_by_segment", *events)
    assert segments["channel", "first", day("2024-02-29"), 1] == (1, 1, 1.0, 0)
    assert not [key for key in segments if key[1] == "second"]
    # Monday 4 March, then the Sunday before it: another week.
    weekly = view("retention_weekly", did("u", "2024-03-04"), did("u", "2024-03-03"))
    assert weekly["new", day("2024-02-26"), 1] == (1, 1, 1.0, 0)
    assert weekly["new", day("2024-03-04"), 0] == (0, 0, None, 0)


def test_segments_cut_new_users_by_what_their_earliest_qualifying_event_said() -> None:
    rows = view(
        "retention_daily_by_segment",
        did("u1", "2024-03-01T08:00:00+08:00", "message_sent", channel="sms"),
        did("u1", "2024-03-01T09:00:00+08:00", channel="qr"),
        did("u1", "2024-03-02", channel="ad", platform="ios"),
        did("u2", "2024-03-01", platform="ios", city="北京"),
    )
    first = day("2024-03-01")
    assert {key[:3] for key in rows} == {
        ("channel", "qr", first),
        ("channel", "", first),
        ("platform", "", first),
        ("platform", "ios", first),
    }
    assert rows["channel", "qr", first, 1] == (1, 1, 1.0, 0)
    assert rows["platform", "ios", first, 1] == (1, 0, 0.0, 0)
    assert len(rows) == 4 * 31


def test_segments_show_further_days_only_once_they_came() -> None:
    catalog = one_app(segments=("city",))
    rows = view("retention_daily_by_segment", did("u", "2024-01-01"), did("u", "2024-02-03"), catalog=catalog)
    assert {key[:3] for key in rows} == {("city", "", day("2024-01-01"))}
    assert max(key[3] for key in rows) == 33
    assert rows["city", "", day("2024-01-01"), 33] == (1, 1, 1.0, 0)
