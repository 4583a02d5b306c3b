"""Every view shows one epoch, and one INSERT switches all of them."""

from datetime import date
from typing import Any

from sinks.migrate import current_epoch, switch_epoch
from tests.integration.sinks.contract import VIEWS
from tests.integration.sinks.world import World

DAY = date(2024, 2, 26)


def fill(world: World, epoch: int, users: int) -> None:
    """The same day, counted by the rules of ``epoch`` as ``users``."""
    world.app(epoch=epoch)
    world.progress(DAY, epoch=epoch, at_end=True)
    families = (
        "new_daily",
        "active_daily",
        "new_weekly",
        "active_weekly",
        "new_monthly",
        "active_monthly",
        "unbounded",
        "wau",
        "mau",
    )
    starts = {"new_monthly": date(2024, 2, 1), "active_monthly": date(2024, 2, 1)}
    for family in families:
        world.cell(family, starts.get(family, DAY), 0, users, epoch=epoch)
    for family in ("histogram_7", "histogram_28", "streak_activity", "streak_check_in"):
        world.cell(family, DAY, 1, users, epoch=epoch)
    world.cell("new_daily_segment", DAY, 0, users, segment="channel", value="ads", epoch=epoch)
    for number in range(users):
        world.user(f"o-{number}", [DAY], epoch=epoch)
        world.refuse(number, b"{", epoch=epoch)
    world.write()


def test_one_insert_switches_every_view_and_one_switches_them_back(world: World) -> None:
    shown = sorted(VIEWS.keys() - {"pipeline_progress"})

    def everything() -> dict[str, list[tuple[Any, ...]]]:
        return {view: world.rows(f"SELECT * FROM {view} ORDER BY ALL") for view in shown}

    fill(world, 1, users=2)
    old = everything()
    fill(world, 2, users=3)
    assert everything() == old
    world.client.command("INSERT INTO epochs (epoch) VALUES (2)")
    new = everything()
    assert [view for view in shown if new[view] == old[view]] == []
    switch_epoch(world.client, 1)
    assert everything() == old
    switch_epoch(world.client, 2)
    assert everything() == new


def test_progress_shows_all_epochs_so_that_one_can_be_watched_before_the_switch(world: World) -> None:
    fill(world, 1, users=1)
    fill(world, 2, users=1)
    question = "SELECT epoch, is_current FROM pipeline_progress ORDER BY epoch"
    assert world.rows(question) == [(1, True), (2, False)]
    switch_epoch(world.client, 2)
    assert world.rows(question) == [(1, False), (2, True)]


def test_a_clock_that_was_set_back_does_not_undo_a_switch(world: World) -> None:
    world.client.command("INSERT INTO epochs SELECT 7, now64(6) + INTERVAL 1 DAY")
    switch_epoch(world.client, 8)
    assert current_epoch(world.client) == 8
