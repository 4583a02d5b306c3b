"""Rows arrive as they were given, and writing them again changes nothing."""

import asyncio
import gc
import sys
import time
from datetime import date

import pytest

from schemas.errors import Terminal
from schemas.tables import RowBatch
from sinks.client import Client
from sinks.upsert import ClickHouseSink
from tests.integration.sinks.world import World, days

DAY = date(2024, 2, 29)


def stored(world: World) -> list[tuple[int, int]]:
    """Users and version of each cell as readers see them."""
    rows = world.rows("SELECT users, version FROM cells FINAL ORDER BY ALL")
    return [(int(users), int(version)) for users, version in rows]


def test_writing_twice_changes_nothing(world: World) -> None:
    for _ in range(2):
        world.cell("new_daily", DAY, 0, 5, version=8)
        world.write()
    assert stored(world) == [(5, 8)]


def test_an_older_version_that_comes_late_changes_nothing(world: World) -> None:
    for users, version in ((5, 8), (6, 9), (4, 7)):
        world.cell("new_daily", DAY, 0, users, version=version)
        world.write()
    assert stored(world) == [(6, 9)]


def test_of_equal_versions_the_last_insert_wins(world: World) -> None:
    for users in (5, 6, 4):
        world.cell("new_daily", DAY, 0, users, version=8)
        world.write()
    assert stored(world) == [(4, 8)]


def test_merging_the_parts_gives_what_final_gave(world: World) -> None:
    for users, version in ((5, 8), (6, 9), (4, 9), (3, 7)):
        world.cell("new_daily", DAY, 0, users, version=version)
        world.write()
    before = stored(world)
    world.client.command("OPTIMIZE TABLE cells FINAL")
    assert world.rows("SELECT users, version FROM cells") == before == [(4, 9)]


def test_dates_numbers_nulls_and_arrays_arrive_as_given(world: World) -> None:
    world.user("a", [date(1970, 1, 2), date(2149, 6, 6)])
    world.user("b", [DAY], [DAY], channel="朋友圈", longest=65535)
    world.app(milestones=[3, 3650])
    world.cell("mau", DAY, 65535, 2**64 - 1, partition=65535, version=2**63)
    world.write()
    assert world.rows("SELECT first_date, last_date, last_check_in, check_in_start FROM users ORDER BY user_id") == [
        (date(1970, 1, 2), date(2149, 6, 6), None, None),
        (DAY, DAY, DAY, DAY),
    ]
    assert world.rows("SELECT milestones FROM apps") == [([3, 3650],)]
    assert world.rows("SELECT start, n, users, partition, version FROM cells") == [
        (DAY, 65535, 2**64 - 1, 65535, 2**63)
    ]


def test_a_batch_of_many_blocks_arrives_whole(world: World) -> None:
    for number in range(120_000):
        world.cell("new_daily", DAY, number % 366, 1, partition=number // 366, version=number)
    world.write()
    assert world.rows("SELECT count(), sum(version) FROM cells") == [(120_000, sum(range(120_000)))]


def test_an_empty_batch_needs_no_server() -> None:
    asyncio.run(ClickHouseSink("http://127.0.0.1:1", "default", "", "nowhere").write(RowBatch()))


def test_progress_is_written_after_everything_else(world: World) -> None:
    world.progress(DAY)
    world.refuse(1, b"{")
    world.user("a", [DAY])
    world.app()
    world.cell("new_daily", DAY, 0, 1)
    world.write()
    (times,) = world.rows(
        "SELECT maxIf(modification_time, table != 'progress') <= minIf(modification_time, table = 'progress'), "
        "uniqExact(table) FROM system.parts WHERE database = {database:String} AND active "
        "AND table NOT IN ('epochs', 'schema_migrations')",
        database=world.client.database,
    )
    assert times == (1, 5)


def test_a_database_without_tables_is_terminal_and_names_the_command(bare: Client, url: str) -> None:
    batch = RowBatch()
    batch.add("apps", (1, "shop", "Asia/Shanghai", 0, 3, [3], 1))
    sink = ClickHouseSink(url, "default", "", str(bare.database))
    with pytest.raises(Terminal, match="retention migrate"):
        asyncio.run(sink.write(batch))
    bare.command(f"CREATE DATABASE {bare.database}", use_database=False)
    with pytest.raises(Terminal, match="retention migrate"):
        asyncio.run(sink.write(batch))
    asyncio.run(sink.close())


@pytest.mark.parametrize("start", ["2024-02-29", 70_000, -1, None])
def test_a_value_that_does_not_fit_its_column_is_terminal(client: Client, url: str, start: object) -> None:
    batch = RowBatch()
    batch.add("cells", (1, "new_daily", "shop", start, 0, "", "", 0, 1, 1))
    sink = ClickHouseSink(url, "default", "", str(client.database))
    with pytest.raises(Terminal, match=r"cells\.start"):
        asyncio.run(sink.write(batch))
    asyncio.run(sink.close())
    assert client.query("SELECT count() FROM cells").result_rows == [(0,)]


def test_writes_at_once_do_not_mix_their_rows(client: Client, url: str) -> None:
    async def write_all() -> None:
        sink = ClickHouseSink(url, "default", "", str(client.database))
        await asyncio.gather(*(sink.write(cells_of(partition)) for partition in range(8)))
        await sink.close()

    def cells_of(partition: int) -> RowBatch:
        batch = RowBatch()
        for n in range(500):
            batch.add("cells", (1, "new_daily", "shop", days(DAY), n, "", "", partition, partition + n, n))
        return batch

    asyncio.run(write_all())
    found = client.query("SELECT count(), countIf(users = partition + n AND version = n) FROM cells FINAL").result_rows
    assert found == [(4000, 4000)]


def test_the_rows_leave_memory_as_soon_as_they_are_written(client: Client, url: str) -> None:
    batch = RowBatch()
    batch.add("cells", (1, "new_daily", "shop", days(DAY), 0, "", "", 0, 5, 8))
    column = batch.columns["cells"][0]
    references = sys.getrefcount(column)
    sink = ClickHouseSink(url, "default", "", str(client.database))
    gc.disable()
    try:
        asyncio.run(sink.write(batch))
        batch.columns.clear()
        # The list of columns held it; the thread of the insert may hold it until it ends.
        deadline = time.monotonic() + 5
        while sys.getrefcount(column) > references - 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sys.getrefcount(column) == references - 1
    finally:
        gc.enable()
        asyncio.run(sink.close())
