"""Totals of open cells: settling, closing, and reopening what had closed."""

from streams.core.app_fold import AppFold
from streams.core.totals import close_cells, oldest_change, rebuild, settle, snapshot, unsettle
from tests.unit.core import brute
from tests.unit.core.support import MONDAY, app_of, event, feed, new_fold, numbers


def settled(app: AppFold) -> dict[tuple[str, int, int], int]:
    return {
        (group.family, key >> 16, key & 0xFFFF): users
        for group in settle(app)
        for key, users in zip(group.keys, group.users, strict=True)
        if not group.segment
    }


def test_settling_gives_the_absolute_value_of_what_changed_once() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1), event("b", 1, user="v")])
    assert settled(app_of(fold))["new_daily", MONDAY + 1, 0] == 2
    feed(fold, [event("c", 1, user="w")], start=2)
    again = settled(app_of(fold))
    assert again["new_daily", MONDAY + 1, 0] == 3
    assert settled(app_of(fold)) == {}


def test_a_cell_that_rose_and_fell_again_is_published_as_zero() -> None:
    fold = new_fold()
    feed(fold, [event("a", 2), event("b", 1)])
    # Day 2 was the first day until the earlier event came; a worker that was cut off in between may have said so.
    assert settled(app_of(fold))["new_daily", MONDAY + 2, 0] == 0


def test_a_late_day_publishes_only_the_cells_that_it_changes() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1), event("b", 30), event("c", 40)])
    settled(app_of(fold))
    feed(fold, [event("d", 39)], start=3)
    days = {MONDAY + day for day in (1, 30, 40)}
    before, after = brute.cells(days, set()), brute.cells(days | {MONDAY + 39}, set())
    assert settled(app_of(fold)).keys() == {cell for cell in before | after if before[cell] != after[cell]}


def test_a_cell_that_went_back_to_zero_is_published_as_zero() -> None:
    fold = new_fold()
    feed(fold, [event("a", 2)])
    settled(app_of(fold))
    feed(fold, [event("b", 1)], start=1)
    assert settled(app_of(fold))["new_daily", MONDAY + 2, 0] == 0


def test_closing_forgets_exactly_the_cells_that_ended_before() -> None:
    fold = new_fold()
    feed(fold, [event(f"e{day}", day) for day in (0, 1, 9, 40)])
    settled(app_of(fold))
    close_cells(app_of(fold), MONDAY + 40)
    days = {MONDAY + day for day in (0, 1, 9, 40)}
    expected = {c: n for c, n in brute.cells(days, set()).items() if brute.last_day(*c) >= MONDAY + 40}
    assert numbers(app_of(fold).totals) == expected
    assert sum(len(group.keys) for group in snapshot(app_of(fold)) if not group.segment) == len(expected)


def test_an_event_before_the_open_days_reopens_them_exactly() -> None:
    fold = new_fold()
    feed(fold, [event("a", 40), event("b", 41, user="v"), event("c", 3, user="v")], rekeyed=True)
    app = app_of(fold)
    settled(app)
    close_cells(app, MONDAY + 38)
    feed(fold, [event("d", 2)], rekeyed=True, start=3)
    assert oldest_change(app) == MONDAY + 2
    rebuild(app, app.users.values(), MONDAY + 2)
    unsettle(app)
    published = settled(app)
    expected = brute.cells({MONDAY + 2, MONDAY + 40}, set()) + brute.cells({MONDAY + 3, MONDAY + 41}, set())
    assert numbers(app.totals) == expected
    assert published["new_daily", MONDAY + 2, 0] == 1
    assert published["new_daily", MONDAY + 40, 0] == 0


def test_segments_whose_cells_have_all_closed_are_forgotten() -> None:
    fold = new_fold()
    feed(fold, [event("a", 0, channel="old"), event("b", 2, user="v", channel="new")])
    settled(app_of(fold))
    close_cells(app_of(fold), MONDAY + 1)
    assert {value for segment, value in app_of(fold).totals.segments if segment == "channel"} == {"new"}
    assert not app_of(fold).changes.segments


def test_a_user_without_an_active_day_adds_nothing() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1, name="message_sent")])
    rebuild(app_of(fold), app_of(fold).users.values(), 0)
    assert numbers(app_of(fold).totals) == {}


def test_nothing_changed_has_no_oldest_change() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1)])
    settled(app_of(fold))
    assert oldest_change(app_of(fold)) is None
