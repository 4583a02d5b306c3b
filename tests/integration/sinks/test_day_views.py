"""Active users, lifecycle, histogram and streaks of a day."""

from datetime import date, timedelta

from tests.integration.sinks.world import World

LEAP = date(2024, 2, 28)
DAY = timedelta(days=1)


def three_days(world: World) -> None:
    """28 February: a, b, c are new. 29 February: a; d is new. 1 March: a, b; nobody is new.

    Each day's DAU in `active_daily` at 0, and who of them came the day after at 1.
    """
    world.app(lateness=0)
    world.progress(LEAP + 2 * DAY)
    world.cells("active_daily", LEAP, {0: 3, 1: 1, 2: 2})
    world.cells("active_daily", LEAP + DAY, {0: 2, 1: 1})
    world.cells("active_daily", LEAP + 2 * DAY, {0: 2})
    world.cells("new_daily", LEAP, {0: 3, 1: 1, 2: 2})
    world.cells("new_daily", LEAP + DAY, {0: 1})
    for distance, users in enumerate((3, 4, 4, 4, 4, 4, 4)):
        world.cell("wau", LEAP + distance * DAY, 0, users)
        world.cell("mau", LEAP + distance * DAY, 0, users)


def test_active_users_of_each_day_up_to_today(world: World) -> None:
    three_days(world)
    world.write()
    assert world.rows(
        "SELECT date, dau, wau, mau, new_users, stickiness, is_complete FROM active_users ORDER BY date"
    ) == [
        (date(2024, 2, 28), 3, 3, 3, 3, 1.0, 1),
        (date(2024, 2, 29), 2, 4, 4, 1, 0.5, 1),
        (date(2024, 3, 1), 2, 4, 4, 0, 0.5, 0),
    ]


def test_a_day_without_users_is_a_row_of_zeros_without_stickiness(world: World) -> None:
    world.app()
    world.progress(LEAP + DAY, at_end=True)
    world.cells("new_daily", LEAP, {0: 1})
    world.write()
    for join_use_nulls in (1, 0):
        found = world.client.query(
            "SELECT dau, wau, mau, new_users, stickiness FROM active_users ORDER BY date DESC LIMIT 1",
            settings={"join_use_nulls": join_use_nulls},
        )
        assert found.result_rows == [(0, 0, 0, 0, None)]


def test_lifecycle_of_each_day(world: World) -> None:
    three_days(world)
    world.write()
    rows = world.rows(
        "SELECT date, active, new, retained, resurrected, dormant, is_complete FROM lifecycle_daily ORDER BY date"
    )
    assert rows == [
        (date(2024, 2, 28), 3, 3, 0, 0, 0, 1),
        (date(2024, 2, 29), 2, 1, 1, 0, 2, 1),
        # a stayed, b came back after a day away, d stayed away.
        (date(2024, 3, 1), 2, 0, 1, 1, 1, 0),
    ]
    assert all(active == new + retained + back for _, active, new, retained, back, _, _ in rows)


def test_lifecycle_between_two_blocks_of_an_insert_is_never_below_zero(world: World) -> None:
    world.app()
    world.progress(LEAP + DAY, at_end=True)
    world.cells("new_daily", LEAP, {0: 5})
    world.cells("active_daily", LEAP, {1: 2})
    world.write()
    assert world.rows("SELECT resurrected, dormant FROM lifecycle_daily ORDER BY date") == [(0, 0), (0, 0)]


def test_histogram_shows_users_up_to_today_only(world: World) -> None:
    three_days(world)
    world.cells("histogram_7", LEAP + 2 * DAY, {1: 2, 2: 1, 3: 1, 4: 0})
    world.cells("histogram_7", LEAP + 2 * DAY, {1: 1}, partition=1)
    world.cells("histogram_28", LEAP + 2 * DAY, {2: 4})
    world.cells("histogram_7", LEAP + 3 * DAY, {1: 9})
    world.write()
    assert world.rows("SELECT date, window_days, active_days, users FROM activity_histogram ORDER BY ALL") == [
        (date(2024, 3, 1), 7, 1, 3),
        (date(2024, 3, 1), 7, 2, 1),
        (date(2024, 3, 1), 7, 3, 1),
        (date(2024, 3, 1), 28, 2, 4),
    ]


def test_streaks_show_lengths_that_someone_has(world: World) -> None:
    three_days(world)
    world.cells("streak_activity", LEAP, {1: 3})
    world.cells("streak_activity", LEAP + DAY, {1: 1, 2: 1, 3: 0})
    world.cells("streak_check_in", LEAP + DAY, {400: 1})
    world.cells("streak_check_in", LEAP + 3 * DAY, {1: 1})
    world.write()
    assert world.rows("SELECT date, kind, length, users FROM streaks_daily ORDER BY ALL") == [
        (date(2024, 2, 28), "activity", 1, 3),
        (date(2024, 2, 29), "activity", 1, 1),
        (date(2024, 2, 29), "activity", 2, 1),
        (date(2024, 2, 29), "check_in", 400, 1),
    ]
