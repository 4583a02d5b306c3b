"""When a row is final: every partition has to be past its last day and the lateness, or be read to its end."""

from datetime import date

from tests.integration.sinks.world import World

FIRST = date(2024, 5, 1)


def complete_days(world: World) -> list[int]:
    """Days of May 2024 whose DAU is final."""
    rows = world.rows("SELECT toDayOfMonth(date) FROM active_users WHERE is_complete ORDER BY date")
    return [int(day) for (day,) in rows]


def start(world: World, lateness: int = 3) -> None:
    world.app(lateness=lateness)
    world.cells("new_daily", FIRST, {0: 1})


def test_the_slowest_partition_decides(world: World) -> None:
    start(world)
    world.progress(date(2024, 5, 10), partition=0)
    world.progress(date(2024, 5, 6), partition=1)
    world.write()
    # The 6th is reached by all: 6 > D + 3.
    assert complete_days(world) == [1, 2]


def test_an_idle_partition_read_to_its_end_holds_nothing_up(world: World) -> None:
    start(world)
    world.progress(date(2024, 5, 10), partition=0)
    world.progress(date(2024, 5, 2), partition=1, at_end=True)
    world.progress(None, partition=2, at_end=True)
    world.progress(None, topic="mp.events.rekeyed", partition=0, at_end=True)
    world.write()
    assert complete_days(world) == [1, 2, 3, 4, 5, 6]


def test_a_partition_that_may_still_bring_any_day_holds_everything_up(world: World) -> None:
    start(world)
    world.progress(date(2024, 5, 10), partition=0)
    world.progress(None, partition=1, at_end=False)
    world.write()
    assert complete_days(world) == []


def test_all_partitions_at_their_end_stand_at_the_latest_watermark(world: World) -> None:
    start(world, lateness=0)
    world.progress(date(2024, 5, 3), partition=0, at_end=True)
    world.progress(date(2024, 5, 2), partition=1, at_end=True)
    world.write()
    assert complete_days(world) == [1, 2]


def test_a_lagging_rekeyed_topic_holds_up_as_well(world: World) -> None:
    start(world, lateness=0)
    world.progress(date(2024, 5, 9), partition=0)
    world.progress(date(2024, 5, 3), topic="mp.events.rekeyed", partition=0)
    world.write()
    assert complete_days(world) == [1, 2]


def test_each_app_waits_for_its_own_lateness(world: World) -> None:
    start(world, lateness=0)
    world.app("game", lateness=2)
    world.cells("new_daily", FIRST, {0: 1}, app_id="game")
    world.progress(date(2024, 5, 4))
    world.write()
    assert world.rows(
        "SELECT app_id, countIf(is_complete = 1), count() FROM active_users GROUP BY app_id ORDER BY app_id"
    ) == [("game", 1, 4), ("shop", 3, 4)]


def test_without_any_watermark_there_is_no_today_and_no_row(world: World) -> None:
    start(world)
    world.progress(None, at_end=True)
    world.write()
    assert world.rows("SELECT count() FROM active_users") == [(0,)]
    assert world.rows("SELECT count() FROM retention_daily") == [(0,)]


def test_of_two_rows_of_one_version_the_last_insert_wins(world: World) -> None:
    start(world, lateness=0)
    world.progress(date(2024, 5, 9), partition=0, version=5)
    world.progress(None, partition=1, version=5)
    world.write()
    assert complete_days(world) == []
    world.progress(None, partition=1, at_end=True, version=5)
    world.write()
    assert len(complete_days(world)) == 8
    # A worker that was cut off repeats what it knew long ago.
    world.progress(None, partition=1, version=4)
    world.write()
    assert len(complete_days(world)) == 8


def test_complete_prints_as_0_or_1(world: World) -> None:
    start(world, lateness=0)
    world.progress(date(2024, 5, 2))
    world.write()
    printed = world.client.raw_query("SELECT is_complete FROM active_users ORDER BY date", fmt="TabSeparated")
    assert printed.split() == [b"1", b"0"]
