"""A user's windows, streaks and lifecycle, as of today."""

from datetime import date, timedelta
from typing import Any

from tests.integration.sinks.world import World

TODAY = date(2024, 3, 1)


def ago(*distances: int) -> list[date]:
    return [TODAY - timedelta(days=distance) for distance in distances]


def each(world: World, *columns: str) -> list[tuple[Any, ...]]:
    return world.rows(f"SELECT {', '.join(columns)} FROM user_activity ORDER BY length(user_id), user_id")


def one(world: World, *columns: str) -> tuple[Any, ...]:
    (row,) = each(world, *columns)
    return row


def start(world: World) -> None:
    world.app(milestones=(3, 7, 14))
    world.progress(TODAY)


WINDOWS = ("active_days_1", "active_days_7", "active_days_14", "active_days_30")


def test_windows_end_today_however_long_ago_the_user_came(world: World) -> None:
    cases = [
        (ago(0), (1, 1, 1, 1)),
        (ago(0, 1, 6, 7, 13, 14, 29, 30), (1, 3, 5, 7)),
        (ago(1), (0, 1, 1, 1)),
        (ago(6, 13), (0, 1, 2, 2)),
        (ago(7, 8), (0, 0, 2, 2)),
        (ago(29, 30), (0, 0, 0, 1)),
        (ago(30, 31), (0, 0, 0, 0)),
        (ago(32, 33), (0, 0, 0, 0)),
        (ago(64, 65), (0, 0, 0, 0)),
        (ago(400), (0, 0, 0, 0)),
    ]
    start(world)
    for number, (active, _) in enumerate(cases):
        world.user(f"o-{number}", active, active)
    world.write()
    expected = [windows for _, windows in cases]
    assert each(world, *WINDOWS) == expected
    assert each(world, "check_ins_1", "check_ins_7", "check_ins_14", "check_ins_30") == expected


def test_a_mask_of_32_active_days_counts_30(world: World) -> None:
    start(world)
    world.user("o-1", ago(*range(40)), longest=40)
    world.write()
    assert one(world, *WINDOWS, "streak", "longest_streak") == (1, 7, 14, 30, 40, 40)


def test_a_user_who_never_checked_in_has_no_check_ins(world: World) -> None:
    start(world)
    world.user("o-1", ago(0))
    world.write()
    assert one(world, "check_ins_1", "check_ins_30", "check_in_streak", "check_in_started", "check_in_expires_on") == (
        0,
        0,
        0,
        None,
        None,
    )


STREAK = ("streak", "streak_started", "expires_on", "at_risk", "next_milestone")


def test_streak_is_the_run_that_ends_today_or_yesterday(world: World) -> None:
    cases = [
        # 28 and 29 February and 1 March.
        (ago(0, 1, 2), (3, date(2024, 2, 28), date(2024, 3, 3), 0, 7)),
        (ago(1, 2), (2, date(2024, 2, 28), date(2024, 3, 2), 1, 3)),
        (ago(2, 3), (0, None, None, 0, 3)),
        (ago(0, 2, 3), (1, date(2024, 3, 1), date(2024, 3, 3), 0, 3)),
        (ago(*range(14)), (14, date(2024, 2, 17), date(2024, 3, 3), 0, None)),
    ]
    start(world)
    for number, (active, _) in enumerate(cases):
        world.user(f"o-{number}", active)
    world.write()
    assert each(world, *STREAK) == [streak for _, streak in cases]


def test_check_in_streak_is_apart_from_the_activity_streak(world: World) -> None:
    start(world)
    world.user("o-1", ago(0, 1, 2, 3), ago(1, 2), longest=4, longest_check_in=2)
    world.user("o-2", ago(0, 1, 2, 3), ago(2, 3), longest=4, longest_check_in=2)
    world.write()
    assert world.rows(
        "SELECT streak, check_in_streak, longest_check_in_streak, check_in_started, check_in_expires_on "
        "FROM user_activity ORDER BY user_id"
    ) == [(4, 2, 2, date(2024, 2, 28), date(2024, 3, 2)), (4, 0, 2, None, None)]


def test_lifecycle_on_today(world: World) -> None:
    cases = [
        (ago(0), "new"),
        (ago(0, 1), "retained"),
        (ago(0, 2), "resurrected"),
        (ago(1, 2), "dormant"),
        (ago(1), "dormant"),
        (ago(2, 3), "inactive"),
    ]
    start(world)
    for number, (active, _) in enumerate(cases):
        world.user(f"o-{number}", active)
    world.write()
    assert each(world, "lifecycle") == [(lifecycle,) for _, lifecycle in cases]


def test_first_and_last_day_and_attributes(world: World) -> None:
    start(world)
    world.user("张 三", ago(5, 1), channel="朋友圈", scene="1007", inviter_id="o-9", app_version="2.1.0")
    world.write()
    assert one(
        world,
        "app_id",
        "user_id",
        "first_date",
        "last_date",
        "channel",
        "platform",
        "scene",
        "inviter_id",
        "app_version",
    ) == ("shop", "张 三", date(2024, 2, 25), date(2024, 2, 29), "朋友圈", "", "1007", "o-9", "2.1.0")


def test_today_is_the_latest_watermark_of_any_partition(world: World) -> None:
    world.app()
    world.progress(date(2024, 2, 1), partition=0)
    world.progress(TODAY, partition=1)
    world.user("o-1", ago(1))
    world.write()
    assert one(world, "active_days_1", "active_days_7", "at_risk") == (0, 1, 1)


def test_a_user_written_ahead_of_the_progress_row_is_seen_on_its_own_day(world: World) -> None:
    start(world)
    tomorrow = TODAY + timedelta(days=1)
    world.user("o-1", [TODAY, tomorrow])
    world.write()
    assert one(world, "active_days_1", "active_days_7", "streak", "lifecycle") == (1, 2, 2, "retained")


def test_a_user_of_an_app_without_settings_has_no_milestone(world: World) -> None:
    world.progress(TODAY)
    world.user("o-1", ago(0), app_id="new-app")
    world.write()
    assert one(world, "app_id", "streak", "next_milestone") == ("new-app", 1, None)


def test_only_the_latest_version_of_a_user_is_seen(world: World) -> None:
    start(world)
    world.user("o-1", ago(1), version=7)
    world.write()
    world.user("o-1", ago(0, 1), version=9)
    world.write()
    world.user("o-1", ago(1), version=8)
    world.write()
    assert one(world, "last_date", "streak") == (TODAY, 2)
