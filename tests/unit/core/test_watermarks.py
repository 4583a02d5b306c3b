"""Watermarks go up only, each by its own topic's events."""

import pytest

from streams.core.days import NO_DAY
from tests.unit.core.support import MONDAY, event, feed, new_fold


@pytest.mark.parametrize("batches", [[[20, 5, 8]], [[20], [5], [8]], [[5, 20], [8]]], ids=str)
def test_an_older_rekeyed_event_does_not_take_the_watermark_back(batches: list[list[int]]) -> None:
    fold, start = new_fold(), 0
    for days in batches:
        feed(fold, [event(f"e{day}", day + 0.5) for day in days], start=start, rekeyed=True)
        start += len(days)
    assert fold.progress.rekeyed.watermark == MONDAY + 20
    assert fold.progress.events.watermark == NO_DAY


@pytest.mark.parametrize("batches", [[[20, 18, 19]], [[20], [18], [19]], [[18, 20], [19]]], ids=str)
def test_an_older_event_does_not_take_the_watermark_back(batches: list[list[int]]) -> None:
    fold, start = new_fold(), 0
    for days in batches:
        feed(fold, [event(f"e{day}", day + 0.5) for day in days], start=start)
        start += len(days)
    assert fold.progress.events.watermark == MONDAY + 20
    assert fold.progress.rekeyed.watermark == NO_DAY


def test_refused_messages_move_no_watermark() -> None:
    fold = new_fold()
    feed(fold, [event("a", 5), b"{", event("b", 9, name="check_in", for_day="2020-01-01")], rekeyed=True)
    assert fold.progress.rekeyed.watermark == MONDAY + 5
