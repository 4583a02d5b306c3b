"""Dense triangles: which rows there are, what they count, and when they can no longer change."""

from datetime import date, timedelta

from tests.integration.sinks.world import World

MONDAY = date(2024, 2, 26)


def test_retained_counts_are_summed_over_partitions(world: World) -> None:
    world.app()
    world.progress(date(2024, 2, 28), at_end=True)
    world.cells("new_daily", MONDAY, {0: 10, 1: 4, 2: 1}, partition=0)
    world.cells("new_daily", MONDAY, {0: 30, 1: 6}, partition=3)
    world.write()
    assert world.rows(
        "SELECT day_n, cohort_users, retained_users, retention_rate FROM retention_daily "
        "WHERE audience = 'new' AND cohort_date = '2024-02-26' AND day_n <= 3 ORDER BY day_n"
    ) == [(0, 40, 40, 1.0), (1, 40, 10, 0.25), (2, 40, 1, 0.025), (3, 40, 0, 0.0)]


def test_a_cell_that_went_back_to_zero_counts_zero(world: World) -> None:
    world.app()
    world.progress(date(2024, 2, 27), at_end=True)
    world.cells("new_daily", MONDAY, {0: 2, 1: 1}, version=1)
    world.write()
    world.cells("new_daily", MONDAY, {1: 0}, version=2)
    world.write()
    assert world.rows(
        "SELECT retained_users FROM retention_daily WHERE audience = 'new' AND cohort_date = {day:Date} AND day_n = 1",
        day=MONDAY,
    ) == [(0,)]


def test_days_that_have_not_come_are_rows_without_users(world: World) -> None:
    today = MONDAY + timedelta(days=1)
    world.app(lateness=0)
    world.progress(today, at_end=True)
    world.cells("new_daily", MONDAY, {0: 5, 1: 2})
    world.cells("active_daily", MONDAY, {0: 5, 1: 2})
    # Written ahead of the progress row: the day it belongs to has not come yet.
    world.cells("new_daily", MONDAY, {2: 2})
    world.write()
    rows = world.rows(
        "SELECT audience, day_n, cohort_users, retained_users, is_complete FROM retention_daily "
        "WHERE cohort_date = {day:Date} ORDER BY audience, day_n",
        day=MONDAY,
    )
    for audience in ("active", "new"):
        counted = [row[1:] for row in rows if row[0] == audience]
        assert counted[:3] == [(0, 5, 5, 1), (1, 5, 2, 0), (2, 5, 0, 0)]
        assert counted[3:] == [(n, 5, 0, 0) for n in range(3, 31)]


def test_new_users_have_rows_beyond_day_30_once_the_day_has_come_and_active_users_have_not(world: World) -> None:
    first = date(2023, 1, 1)
    world.app()
    world.progress(first + timedelta(days=400), at_end=True)
    world.cells("new_daily", first, {0: 9, 31: 3, 365: 1})
    world.cells("active_daily", first, {0: 9, 30: 2})
    world.write()
    longest = (
        "SELECT audience, max(day_n), count() FROM retention_daily WHERE cohort_date = {day:Date} "
        "GROUP BY audience ORDER BY audience"
    )
    assert world.rows(longest, day=first) == [("active", 30, 31), ("new", 365, 366)]
    # 40 days before today: offsets 0 to 40 have come.
    assert world.rows(longest, day=first + timedelta(days=360)) == [("active", 30, 31), ("new", 40, 41)]
    assert world.rows(
        "SELECT day_n, retained_users FROM retention_daily WHERE cohort_date = {day:Date} AND retained_users > 0 "
        "AND audience = 'new' ORDER BY day_n",
        day=first,
    ) == [(0, 9), (31, 3), (365, 1)]


def test_every_day_from_the_first_to_today_has_a_cohort_and_an_empty_one_has_no_rate(world: World) -> None:
    world.app()
    world.progress(date(2024, 3, 2), at_end=True)
    world.cells("new_daily", date(2024, 2, 28), {0: 1})
    world.cells("new_daily", date(2024, 3, 1), {0: 1})
    world.write()
    assert world.rows(
        "SELECT cohort_date, cohort_users, retention_rate FROM retention_daily "
        "WHERE audience = 'new' AND day_n = 0 ORDER BY cohort_date"
    ) == [
        (date(2024, 2, 28), 1, 1.0),
        (date(2024, 2, 29), 0, None),
        (date(2024, 3, 1), 1, 1.0),
        (date(2024, 3, 2), 0, None),
    ]


def test_the_day_after_29_february_is_1_march(world: World) -> None:
    world.app(lateness=0)
    world.progress(date(2024, 3, 2))
    world.cells("new_daily", date(2024, 2, 29), {0: 2, 1: 1})
    world.write()
    assert world.rows(
        "SELECT day_n, retained_users, is_complete FROM retention_daily "
        "WHERE audience = 'new' AND cohort_date = '2024-02-29' AND day_n <= 2 ORDER BY day_n"
    ) == [(0, 2, 1), (1, 1, 1), (2, 0, 0)]


def test_apps_have_their_own_calendars(world: World) -> None:
    world.app("shop")
    world.app("game")
    world.progress(date(2024, 3, 2), at_end=True)
    world.cells("new_daily", date(2024, 3, 1), {0: 1}, app_id="shop")
    world.cells("new_daily", date(2024, 3, 2), {0: 7}, app_id="game")
    world.write()
    assert world.rows(
        "SELECT app_id, cohort_date, cohort_users FROM retention_daily "
        "WHERE audience = 'new' AND day_n = 0 ORDER BY ALL"
    ) == [("game", date(2024, 3, 2), 7), ("shop", date(2024, 3, 1), 1), ("shop", date(2024, 3, 2), 0)]


def test_weeks_run_across_the_year_end(world: World) -> None:
    # 30 December 2024 is a Monday: its week holds 1 January.
    monday = date(2024, 12, 30)
    world.app(lateness=1)
    world.progress(date(2025, 1, 14))
    world.cells("new_daily", date(2025, 1, 1), {0: 8})
    world.cells("new_weekly", monday, {0: 8, 1: 3, 2: 1})
    world.cells("active_weekly", monday, {0: 8, 1: 3, 2: 1})
    world.write()
    for audience in ("new", "active"):
        rows = world.rows(
            "SELECT cohort_start, period_n, cohort_users, retained_users, is_complete FROM retention_weekly "
            "WHERE audience = {audience:String} ORDER BY cohort_start, period_n",
            audience=audience,
        )
        assert {row[0] for row in rows} == {monday, date(2025, 1, 6), date(2025, 1, 13)}
        # The week of 6 January ends on the 12th, which is complete once the 14th is reached.
        assert [row[1:] for row in rows[:4]] == [(0, 8, 8, 1), (1, 8, 3, 1), (2, 8, 1, 0), (3, 8, 0, 0)]
        assert len(rows) == 3 * 13


def test_a_week_is_complete_only_after_its_sunday(world: World) -> None:
    world.app(lateness=1)
    world.progress(MONDAY + timedelta(days=7))
    world.cells("new_daily", MONDAY, {0: 1})
    world.write()
    complete = "SELECT max(is_complete) FROM retention_weekly WHERE cohort_start = {day:Date}"
    assert world.rows(complete, day=MONDAY) == [(0,)]
    world.progress(MONDAY + timedelta(days=8), version=2)
    world.write()
    assert world.rows(complete, day=MONDAY) == [(1,)]


def test_new_users_have_weeks_beyond_the_12th_once_they_have_begun(world: World) -> None:
    world.app()
    world.progress(MONDAY + timedelta(weeks=60), at_end=True)
    world.cells("new_daily", MONDAY, {0: 4})
    world.cells("new_weekly", MONDAY, {0: 4, 13: 2, 52: 1})
    world.write()
    longest = (
        "SELECT audience, max(period_n) FROM retention_weekly WHERE cohort_start = {day:Date} "
        "GROUP BY audience ORDER BY audience"
    )
    assert world.rows(longest, day=MONDAY) == [("active", 12), ("new", 52)]
    assert world.rows(longest, day=MONDAY + timedelta(weeks=40)) == [("active", 12), ("new", 20)]
    assert world.rows(
        "SELECT period_n FROM retention_weekly WHERE audience = 'new' AND cohort_start = {day:Date} "
        "AND retained_users > 0 ORDER BY period_n",
        day=MONDAY,
    ) == [(0,), (13,), (52,)]


def test_months_have_their_own_lengths(world: World) -> None:
    world.app(lateness=0)
    # 31 January plus one month must not skip February, and December is followed by January.
    world.cells("new_daily", date(2023, 12, 31), {0: 6})
    world.cells("new_monthly", date(2023, 12, 1), {0: 6, 1: 5, 2: 4, 3: 3})
    world.progress(date(2024, 3, 1))
    world.write()
    rows = world.rows(
        "SELECT cohort_start, period_n, cohort_users, retained_users, is_complete FROM retention_monthly "
        "WHERE audience = 'new' ORDER BY cohort_start, period_n"
    )
    assert [row[0] for row in rows[::13]] == [date(2023, 12, 1), date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    # 29 February is over once 1 March is reached.
    assert [row[1:] for row in rows[:5]] == [(0, 6, 6, 1), (1, 6, 5, 1), (2, 6, 4, 1), (3, 6, 3, 0), (4, 6, 0, 0)]


def test_a_month_is_not_complete_on_its_last_day(world: World) -> None:
    world.app(lateness=0)
    world.cells("new_daily", date(2024, 2, 1), {0: 1})
    world.progress(date(2024, 2, 29))
    world.write()
    assert world.rows("SELECT max(is_complete) FROM retention_monthly") == [(0,)]


def test_unbounded_is_complete_only_a_year_after_the_cohort(world: World) -> None:
    first = date(2023, 3, 1)
    world.app(lateness=2)
    world.cells("new_daily", first, {0: 10})
    world.cells("unbounded", first, {0: 10, 1: 7, 2: 7, 365: 1})
    # The last day of the horizon is 29 February 2024.
    assert first + timedelta(days=365) == date(2024, 2, 29)
    world.progress(date(2024, 3, 2))
    world.write()
    question = (
        "SELECT day_n, cohort_users, retained_users, retention_rate, is_complete FROM retention_unbounded "
        "WHERE cohort_date = {day:Date} AND day_n IN (0, 1, 2, 3, 365) ORDER BY day_n"
    )
    assert world.rows(question, day=first) == [
        (0, 10, 10, 1.0, 0),
        (1, 10, 7, 0.7, 0),
        (2, 10, 7, 0.7, 0),
        (3, 10, 0, 0.0, 0),
        (365, 10, 1, 0.1, 0),
    ]
    world.progress(date(2024, 3, 3), version=2)
    world.write()
    assert {row[4] for row in world.rows(question, day=first)} == {1}
    counts = "SELECT count() FROM retention_unbounded WHERE cohort_date = {day:Date}"
    assert world.rows(counts, day=first) == [(366,)]
    assert world.rows(counts, day=date(2024, 3, 3)) == [(31,)]


def test_segments_have_rows_for_their_cohorts_only(world: World) -> None:
    world.app(lateness=0)
    world.cells("new_daily", MONDAY, {0: 5, 1: 2})
    for value, users in (("ads", {0: 3, 1: 2}), ("", {0: 2})):
        world.cells("new_daily_segment", MONDAY, users, segment="channel", value=value)
    world.cells("new_daily_segment", MONDAY, {0: 5}, segment="platform", value="ios")
    # Everybody of this cohort turned out to have come earlier.
    world.cells("new_daily_segment", MONDAY + timedelta(days=1), {0: 0}, segment="platform", value="ios")
    world.progress(MONDAY + timedelta(days=2))
    world.write()
    assert world.rows(
        "SELECT audience, segment, value, cohort_date, day_n, cohort_users, retained_users, is_complete "
        "FROM retention_daily_by_segment WHERE day_n <= 1 ORDER BY ALL"
    ) == [
        ("new", "channel", "", MONDAY, 0, 2, 2, 1),
        ("new", "channel", "", MONDAY, 1, 2, 0, 1),
        ("new", "channel", "ads", MONDAY, 0, 3, 3, 1),
        ("new", "channel", "ads", MONDAY, 1, 3, 2, 1),
        ("new", "platform", "ios", MONDAY, 0, 5, 5, 1),
        ("new", "platform", "ios", MONDAY, 1, 5, 0, 1),
    ]
    assert world.rows("SELECT DISTINCT count() FROM retention_daily_by_segment GROUP BY segment, value") == [(31,)]


def test_filtering_by_the_readers_columns_changes_no_row(world: World) -> None:
    world.app()
    world.progress(MONDAY + timedelta(days=2), at_end=True)
    world.cells("new_daily", MONDAY, {0: 5, 1: 2})
    world.write()
    whole = [row for row in world.rows("SELECT * FROM retention_daily") if row[1:4] == ("new", MONDAY, 1)]
    assert whole == [("shop", "new", MONDAY, 1, 5, 2, 0.4, 0)]
    assert (
        world.rows(
            "SELECT * FROM retention_daily "
            "WHERE app_id = 'shop' AND audience = 'new' AND cohort_date = {day:Date} AND day_n = 1",
            day=MONDAY,
        )
        == whole
    )
