"""A triangle out of the real views, on hand-made cells."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Protocol
from uuid import uuid4

import pytest

from deploy.report import Cell, NothingToReport, fetch
from sinks.client import Client, connect
from sinks.migrate import migrate
from sinks.upsert import ClickHouseSink
from tests.integration.sinks.world import World

TODAY = date(2026, 3, 20)
DAYS = 20
QUOTED = 'it\'s "群" {x:String} \\ $n;--'


def day(age: int) -> date:
    return TODAY - timedelta(days=age)


class Server(Protocol):
    """What these tests use of the session's ClickHouse."""

    @property
    def url(self) -> str: ...


@pytest.fixture(scope="module")
def world(clickhouse: Server) -> Iterator[World]:
    """20 days of cohorts of 100: 10 come back on each day, of the latest five cohorts 20. 4 days of another app."""
    database = f"report_{uuid4().hex[:12]}"
    client = connect(clickhouse.url, "default", "", database)
    migrate(client, 1)
    sink = ClickHouseSink(clickhouse.url, "default", "", database)
    world = World(client, sink)
    world.app("shop")
    world.app(QUOTED)
    for age in range(DAYS):
        retained = 20 if age < 5 else 10
        came = range(1, age + 1)
        world.cells("new_daily", day(age), {0: 100, **dict.fromkeys(came, retained)})
        world.cells("active_daily", day(age), {0: 200, **dict.fromkeys(came, 50)})
        if age % 2:
            world.cells("new_daily_segment", day(age), {0: 40, 1: 5}, segment="channel", value=QUOTED)
            world.cells("new_daily_segment", day(age), {0: 60, 1: 3}, segment="channel", value="ads")
        if age < 4:
            world.cells("new_daily", day(age), {0: 7}, app_id=QUOTED)
    # 2026-03-20 is a Friday: its week began on the 16th, and the one before on the 9th.
    world.cells("new_weekly", date(2026, 3, 9), {0: 700, 1: 140})
    world.cells("new_monthly", date(2026, 3, 1), {0: 2000})
    world.progress(TODAY, at_end=True)
    world.write()
    yield world
    asyncio.run(sink.close())
    client.command(f"DROP DATABASE {database}", use_database=False)
    client.close()


@pytest.fixture
def client(world: World) -> Client:
    return world.client


def test_the_latest_cohorts_come_with_the_cells_that_have_come(client: Client) -> None:
    triangle = fetch(client, "shop", cohorts=6, columns=(7, 1, 2, 1))
    assert triangle.columns == (1, 2, 7)
    assert [cohort.start for cohort in triangle.cohorts] == [day(age) for age in (5, 4, 3, 2, 1, 0)]
    assert [cohort.users for cohort in triangle.cohorts] == [100] * 6
    assert triangle.cohorts[0].cells == {
        0: Cell(100, 1.0, True),
        1: Cell(10, 0.1, True),
        2: Cell(10, 0.1, False),
    }
    assert triangle.cohorts[-1].cells == {0: Cell(100, 1.0, False)}


def test_pooled_rates_are_sums_over_complete_cells(client: Client) -> None:
    # A day is complete when it lies more than three days behind the watermark: cohorts of age 5 and more for N=1.
    triangle = fetch(client, "shop", cohorts=7, columns=(0, 1, 14))
    assert triangle.pooled == {0: 1.0, 1: pytest.approx(0.1)}
    assert triangle.pooled_all == {0: 1.0, 1: pytest.approx(0.1), 14: pytest.approx(0.1)}


def test_pooled_rates_weigh_cohorts_by_size(world: World) -> None:
    world.app("weighed")
    world.cells("new_daily", day(10), {0: 900, 1: 90}, app_id="weighed")
    world.cells("new_daily", day(9), {0: 100, 1: 50}, app_id="weighed")
    world.write()
    triangle = fetch(world.client, "weighed", cohorts=60, columns=(1,))
    assert triangle.pooled == {0: 1.0, 1: pytest.approx(140 / 1000)}
    assert triangle.pooled_all == triangle.pooled
    assert [cohort.users for cohort in triangle.cohorts] == [900, 100, *[0] * 9]
    assert triangle.cohorts[-1].cells[0].rate is None


def test_active_users_are_their_own_audience(client: Client) -> None:
    triangle = fetch(client, "shop", audience="active", cohorts=8, columns=(1,))
    assert triangle.cohorts[0].cells[1] == Cell(50, 0.25, True)
    assert triangle.pooled[1] == pytest.approx(0.25)


def test_a_segment_is_compared_and_never_executed(client: Client) -> None:
    triangle = fetch(client, "shop", segment="channel", value=QUOTED, cohorts=3, columns=(1,))
    assert [cohort.start for cohort in triangle.cohorts] == [day(age) for age in (5, 3, 1)]
    assert triangle.cohorts[0].cells[1] == Cell(5, 0.125, True)
    assert triangle.pooled_all[1] == pytest.approx(0.125)
    assert fetch(client, QUOTED, columns=(0,)).cohorts[0].users == 7


def test_weeks_and_months_show_what_has_begun(client: Client) -> None:
    weekly = fetch(client, "shop", period="weekly")
    cells = {cohort.start: cohort.cells for cohort in weekly.cohorts}
    assert cells[date(2026, 3, 9)] == {0: Cell(700, 1.0, True), 1: Cell(140, 0.2, False)}
    assert cells[date(2026, 3, 16)].keys() == {0}
    monthly = fetch(client, "shop", period="monthly")
    assert [(cohort.start, cohort.users, set(cohort.cells)) for cohort in monthly.cohorts] == [
        (date(2026, 3, 1), 2000, {0})
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"app": "shp"}, "app 'shp' has no data; apps with data: "),
        ({"app": None}, "several apps have data, choose one: "),
        ({"app": "shop", "segment": "channel"}, "choose a value of segment 'channel': ads, it's"),
        ({"app": "shop", "segment": "channel", "value": "x"}, "no new user has channel 'x'; values with users: ads"),
        ({"app": "shop", "segment": "planet", "value": "x"}, "segment 'planet' has no data"),
        ({"app": "x\x1b[2J\ny"}, "app 'x�[2J�y' has no data"),
    ],
)
def test_what_is_not_there_is_named_in_one_line(client: Client, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(NothingToReport) as refusal:
        fetch(client, **arguments)
    assert message in str(refusal.value)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "arguments",
    [
        {"cohorts": 0},
        {"columns": ()},
        {"columns": (-1,)},
        {"value": "ads"},
        {"segment": "channel", "value": "ads", "audience": "active"},
        {"segment": "channel", "value": "ads", "period": "weekly"},
    ],
)
def test_arguments_that_contradict_each_other_are_refused(client: Client, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs|only"):
        fetch(client, "shop", **arguments)


def test_before_the_first_event_it_says_so(clickhouse: Server) -> None:
    client = connect(clickhouse.url, "default", "", f"report_{uuid4().hex[:12]}")
    migrate(client, 1)
    with pytest.raises(NothingToReport, match="no event has been counted"):
        fetch(client)
    client.command(f"DROP DATABASE {client.database}", use_database=False)
    client.close()
