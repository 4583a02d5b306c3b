"""What a query reads depends on what it asks for, and not on how much else the tables hold."""

from datetime import date, timedelta
from typing import Final

from sinks.client import Client
from tests.integration.sinks.world import World

TODAY: Final = date(2025, 6, 30)
DAYS: Final = 100
#: Rows of an index granule: what one part is read by.
GRANULE: Final = 8_192
SINCE = TODAY - timedelta(days=6)

ASKED: Final = {
    "retention_daily": "cohort_date >= {since:Date}",
    "retention_daily_by_segment": "segment = 'channel' AND cohort_date >= {since:Date}",
    "retention_weekly": "cohort_start >= {since:Date}",
    "retention_monthly": "cohort_start >= toStartOfMonth({since:Date})",
    "retention_unbounded": "cohort_date >= {since:Date}",
    "active_users": "date >= {since:Date}",
    "lifecycle_daily": "date >= {since:Date}",
    "activity_histogram": "date >= {since:Date}",
    "streaks_daily": "date >= {since:Date}",
}
FAMILIES: Final = {
    "new_daily": DAYS,
    "active_daily": 30,
    "unbounded": DAYS,
    "new_weekly": 8,
    "active_weekly": 8,
    "new_monthly": 2,
    "active_monthly": 2,
    "wau": 1,
    "mau": 1,
    "histogram_7": 7,
    "histogram_28": 28,
    "streak_activity": DAYS,
    "streak_check_in": DAYS,
}


def grow(client: Client, apps: range) -> None:
    """A hundred days of cells of every family, with four values of a segment, for each app."""
    for family, most in FAMILIES.items():
        client.command(
            "INSERT INTO cells "
            "SELECT 1, {family:String}, 'app' || toString(app), {today:Date} - age, n, '', '', 0, 5, 1 "
            "FROM (SELECT number AS app FROM numbers({first:UInt32}, {apps:UInt32})) AS apps, "
            "(SELECT number AS age FROM numbers({days:UInt32})) AS days, "
            "(SELECT number AS n FROM numbers({most:UInt32})) AS offsets",
            {"family": family, "first": apps.start, "apps": len(apps), "today": TODAY, "days": DAYS, "most": most},
        )
    client.command(
        "INSERT INTO cells SELECT 1, 'new_daily_segment', app_id, start, n, 'channel', value, 0, 5, 1 "
        "FROM (SELECT * REPLACE (arrayJoin(['a', 'b', 'c', 'd']) AS value) FROM cells WHERE family = 'new_daily')"
    )
    client.command("OPTIMIZE TABLE cells FINAL")


def rows_read(client: Client, view: str, app_id: str) -> int:
    found = client.query(
        f"SELECT * FROM {view} WHERE app_id = {{app:String}} AND {ASKED[view]}", {"app": app_id, "since": SINCE}
    )
    assert found.result_rows
    return int(found.summary["read_rows"])


def test_other_apps_are_not_read(world: World) -> None:
    for number in range(12):
        world.app(f"app{number}")
    world.progress(TODAY)
    world.write()
    grow(world.client, range(6))
    few = {view: rows_read(world.client, view, "app3") for view in ASKED}
    assert world.rows("SELECT count() FROM cells")[0][0] > 2 * max(few.values())
    grow(world.client, range(6, 12))
    many = {view: rows_read(world.client, view, "app3") for view in ASKED}
    # The app's rows may now begin elsewhere within a granule.
    assert {view: (few[view], read) for view, read in many.items() if read > few[view] + 4 * GRANULE} == {}


def test_looking_up_one_user_reads_the_granules_of_its_key(world: World) -> None:
    world.app()
    world.progress(TODAY)
    world.write()
    world.client.command(
        "INSERT INTO users (epoch, app_id, user_id, first_date, last_date, active_mask, streak_start, version) "
        "SELECT 1, 'shop', 'user' || toString(number), {day:Date}, {day:Date}, 1, {day:Date}, 1 FROM numbers(300000)",
        {"day": TODAY},
    )
    world.client.command("OPTIMIZE TABLE users FINAL")
    found = world.client.query("SELECT user_id FROM user_activity WHERE app_id = 'shop' AND user_id = 'user123456'")
    assert found.result_rows == [("user123456",)]
    assert int(found.summary["read_rows"]) <= 2 * GRANULE + 100
