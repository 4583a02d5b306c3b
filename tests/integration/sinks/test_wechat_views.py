"""The shape of WeChat's datacube: its keys, its dates, and nothing that has not come."""

import json
from datetime import date, timedelta

from tests.integration.sinks.world import World

DAY = timedelta(days=1)
VALUES = "ref_date, visit_uv_new.key, visit_uv_new.value, visit_uv.value"


def test_daily_keys_stop_at_today(world: World) -> None:
    first = date(2024, 2, 26)
    world.app()
    world.progress(first + 3 * DAY, at_end=True)
    world.cells("new_daily", first, {0: 9, 1: 4, 3: 1})
    world.cells("active_daily", first, {0: 12, 2: 5})
    world.cells("new_daily", first + 3 * DAY, {0: 2})
    world.write()
    assert world.rows(f"SELECT {VALUES} FROM wechat_daily_retain ORDER BY ref_date") == [
        ("20240226", [0, 1, 2, 3], [9, 4, 0, 1], [12, 0, 5, 0]),
        ("20240227", [0, 1, 2], [0, 0, 0], [0, 0, 0]),
        ("20240228", [0, 1], [0, 0], [0, 0]),
        ("20240229", [0], [2], [0]),
    ]


def test_daily_keys_of_an_old_cohort_are_all_there(world: World) -> None:
    first = date(2024, 1, 1)
    world.app()
    world.progress(first + 30 * DAY, at_end=True)
    world.cells("new_daily", first, {0: 9, 14: 2, 30: 1, 29: 5})
    world.write()
    assert world.rows(
        "SELECT visit_uv_new.key, visit_uv_new.value FROM wechat_daily_retain WHERE ref_date = '20240101'"
    ) == [([0, 1, 2, 3, 4, 5, 6, 7, 14, 30], [9, 0, 0, 0, 0, 0, 0, 0, 2, 1])]
    assert world.rows("SELECT visit_uv.key FROM wechat_daily_retain WHERE ref_date = '20240102'") == [
        ([0, 1, 2, 3, 4, 5, 6, 7, 14],)
    ]


def test_json_has_the_field_names_of_wechat(world: World) -> None:
    world.app()
    world.progress(date(2024, 2, 26), at_end=True)
    world.cells("new_daily", date(2024, 2, 26), {0: 9})
    world.cells("active_daily", date(2024, 2, 26), {0: 9})
    world.write()
    printed = world.client.raw_query("SELECT * FROM wechat_daily_retain", fmt="JSONEachRow")
    assert json.loads(printed) == {
        "app_id": "shop",
        "ref_date": "20240226",
        "visit_uv_new": [{"key": 0, "value": 9}],
        "visit_uv": [{"key": 0, "value": 9}],
    }


def test_weeks_are_named_by_monday_and_sunday(world: World) -> None:
    world.app()
    # Wednesday 1 January 2025 belongs to the week of 30 December 2024.
    world.progress(date(2025, 1, 13), at_end=True)
    world.cells("new_daily", date(2025, 1, 1), {0: 6})
    world.cells("new_weekly", date(2024, 12, 30), {0: 6, 1: 3, 2: 1})
    world.cells("active_weekly", date(2025, 1, 6), {0: 3, 1: 1})
    world.write()
    assert world.rows(f"SELECT {VALUES} FROM wechat_weekly_retain ORDER BY ref_date") == [
        ("20241230-20250105", [0, 1, 2], [6, 3, 1], [0, 0, 0]),
        ("20250106-20250112", [0, 1], [0, 0], [3, 1]),
        ("20250113-20250119", [0], [0], [0]),
    ]


def test_weekly_keys_end_at_4(world: World) -> None:
    world.app()
    world.progress(date(2025, 3, 1), at_end=True)
    world.cells("new_daily", date(2025, 1, 1), {0: 6})
    world.write()
    assert world.rows("SELECT visit_uv.key FROM wechat_weekly_retain ORDER BY ref_date LIMIT 1") == [([0, 1, 2, 3, 4],)]


def test_months_are_named_by_year_and_month(world: World) -> None:
    world.app()
    world.progress(date(2024, 2, 1), at_end=True)
    world.cells("new_daily", date(2023, 12, 31), {0: 6})
    world.cells("new_monthly", date(2023, 12, 1), {0: 6, 1: 3, 2: 2})
    world.cells("active_monthly", date(2023, 12, 1), {0: 6, 1: 4})
    world.write()
    assert world.rows(f"SELECT {VALUES} FROM wechat_monthly_retain ORDER BY ref_date") == [
        ("202312", [0, 1], [6, 3], [6, 4]),
        ("202401", [0, 1], [0, 0], [0, 0]),
        ("202402", [0], [0], [0]),
    ]
