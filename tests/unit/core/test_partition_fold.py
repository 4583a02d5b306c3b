"""Judging, duplicates, rekeying and counters of one partition."""

from typing import Any

import pytest

from schemas.apps import AppCatalog, AppSettings
from schemas.event import MAX_TS
from schemas.topics import EVENTS, REKEYED
from streams.core import app_fold
from streams.core.days import NO_DAY
from streams.core.partition_fold import PartitionFold
from streams.core.progress import Progress
from streams.core.state import UserState
from tests.unit.core.support import MONDAY, MONDAY_MS, app_of, event, feed, new_fold

HOUR_MS = 3_600_000


def reasons(fold: PartitionFold) -> list[str]:
    return [letter.reason for letter in fold.dead]


def assert_every_message_is_counted_once(fold: PartitionFold) -> None:
    events, rekeyed = fold.progress.events, fold.progress.rekeyed
    assert events.consumed == (
        fold.accepted[EVENTS.name]
        + fold.repeated[EVENTS.name]
        + events.late
        + events.future
        + events.invalid
        + events.rekeyed
    )
    assert rekeyed.consumed == fold.accepted[REKEYED.name] + fold.repeated[REKEYED.name] + rekeyed.invalid


def test_an_event_older_than_watermark_less_lateness_is_late() -> None:
    fold = new_fold()
    feed(fold, [event("a", 10), event("b", 7), event("c", 6.99)])
    assert reasons(fold) == ["late"]
    assert fold.dead[0].offset == 2
    assert fold.progress.events.watermark == MONDAY + 10
    assert_every_message_is_counted_once(fold)


def test_future_is_measured_against_the_records_own_timestamp_and_moves_no_watermark() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1), event("b", 1, ts=MONDAY_MS + 24 * HOUR_MS + 1)], timestamp=MONDAY_MS)
    feed(fold, [event("c", 3)], start=2, timestamp=MONDAY_MS)
    assert reasons(fold) == ["future", "future"]
    assert fold.progress.events.watermark == MONDAY + 1
    assert_every_message_is_counted_once(fold)


@pytest.mark.parametrize(("timestamp", "reason"), [(MONDAY_MS, "future"), (MAX_TS, "invalid")])
def test_an_instant_beyond_2100_is_refused_whatever_the_record_says(timestamp: int, reason: str) -> None:
    fold = new_fold()
    feed(fold, [event("a", 1, ts=MAX_TS)], timestamp=timestamp)
    assert reasons(fold) == [reason]
    assert fold.progress.events.watermark == NO_DAY


def test_a_duplicate_changes_nothing_but_its_counter() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1)])
    before = repr(app_of(fold).users["u"].days)
    feed(fold, [event("a", 1), event("b", 1), event("a", 1)], start=1)
    assert (fold.accepted[EVENTS.name], fold.repeated[EVENTS.name]) == (2, 2)
    assert repr(app_of(fold).users["u"].days) == before
    assert_every_message_is_counted_once(fold)


def test_the_same_id_of_another_user_or_app_is_no_duplicate() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1), event("a", 1, user="v"), {**event("a", 1), "app_id": "other"}])
    assert fold.accepted[EVENTS.name] == 3


def test_ids_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_fold, "_IDS_PER_DAY", 3)
    fold = new_fold()
    feed(fold, [event(name, 1) for name in "abcd"])
    feed(fold, [event("d", 1), event("a", 1)], start=4)
    assert (fold.accepted[EVENTS.name], fold.repeated[EVENTS.name]) == (5, 1)


def test_a_replay_of_folded_offsets_changes_nothing() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1), event("b", 2)])
    feed(fold, [event("a", 1), event("b", 2), event("c", 3)])
    assert fold.progress.events.consumed == 3
    assert fold.accepted[EVENTS.name] == 3
    feed(fold, [event("a", 1)])
    assert fold.progress.events.next_offset == 3


def test_an_event_at_or_before_the_users_offset_was_folded_before_the_crash() -> None:
    ahead = UserState()
    ahead.offset, ahead.accepted = 1, 2
    fold = PartitionFold(0, 1, AppCatalog(), Progress(), load=lambda _app, _user: ahead, home=lambda _user: 0)
    feed(fold, [event("a", 1), event("b", 2), event("c", 3)])
    assert ahead.accepted == 3
    assert fold.accepted[EVENTS.name] == 1
    assert ahead.last_day == MONDAY + 3


def test_a_user_of_another_partition_is_forwarded_after_judging() -> None:
    fold = PartitionFold(
        0, 1, AppCatalog(), Progress(), load=lambda _app, _user: None, home=lambda user: 1 if user == "far" else 0
    )
    feed(fold, [event("a", 10), event("b", 10, user="far"), event("c", 1, user="far")], key=None)
    assert [(out.partition, out.user_id, out.origin_offset) for out in fold.outgoing] == [(1, "far", 1)]
    assert reasons(fold) == ["late"]
    assert "far" not in app_of(fold).users
    assert_every_message_is_counted_once(fold)


def test_a_rekeyed_event_is_folded_unjudged_and_only_once() -> None:
    fold = new_fold()
    feed(fold, [event("a", 20)])
    feed(fold, [event("b", 1), event("b", 1), event("c", 2)], rekeyed=True)
    feed(fold, [event("b", 1)], rekeyed=True)
    user = app_of(fold).users["u"]
    assert user.last_day - user.days.bit_length() + 1 == MONDAY + 1
    assert fold.dead == []
    assert (fold.accepted[REKEYED.name], fold.repeated[REKEYED.name]) == (2, 1)
    assert fold.progress.rekeyed.watermark == MONDAY + 2
    assert fold.progress.position == 1 + 3
    assert_every_message_is_counted_once(fold)


def test_what_another_epoch_forwarded_is_not_ours() -> None:
    fold = new_fold()
    feed(fold, [event("a", 1)], rekeyed=True, headers=[("epoch", b"2")])
    feed(fold, [event("b", 1)], rekeyed=True, start=1, headers=[("topic", b"mp.events"), ("epoch", b"1")])
    assert app_of(fold).users["u"].rekeyed_accepted == 1
    assert fold.progress.rekeyed.consumed == 1
    assert fold.progress.rekeyed.next_offset == 2
    assert_every_message_is_counted_once(fold)


@pytest.mark.parametrize(
    "fields", [{"user_id": "far"}, {"ts": MAX_TS}, {"event": "check_in", "for_day": "2999-01-01"}], ids=str
)
def test_what_the_pipeline_never_forwards_is_invalid(fields: dict[str, Any]) -> None:
    fold = PartitionFold(
        0, 1, AppCatalog(), Progress(), load=lambda _app, _user: None, home=lambda user: int(user == "far")
    )
    feed(fold, [{**event("a", 1), **fields}], rekeyed=True)
    assert reasons(fold) == ["invalid"]
    assert_every_message_is_counted_once(fold)


def test_a_rekeyed_event_at_or_before_the_users_offset_is_skipped() -> None:
    ahead = UserState()
    ahead.rekeyed_offset = 1
    fold = PartitionFold(0, 1, AppCatalog(), Progress(), load=lambda _app, _user: ahead, home=lambda _user: 0)
    feed(fold, [event("a", 1), event("b", 1), event("c", 1)], rekeyed=True)
    assert ahead.rekeyed_accepted == 1


@pytest.mark.parametrize("rekeyed", [False, True])
def test_an_unlisted_app_and_a_broken_message_are_invalid(*, rekeyed: bool) -> None:
    fold = new_fold(AppCatalog(listed={"app": AppSettings()}))
    feed(fold, [{**event("a", 1), "app_id": "other"}, b"{", event("b", 1)], rekeyed=rekeyed)
    assert reasons(fold) == ["invalid", "invalid"]
    assert {letter.topic for letter in fold.dead} == {REKEYED.name if rekeyed else EVENTS.name}
    assert "other" in fold.dead[0].detail
    assert_every_message_is_counted_once(fold)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"for_day": "2024-03-03"}, None),
        ({"for_day": "2024-02-29"}, None),
        ({"for_day": "2024-02-28"}, "invalid"),
        ({"for_day": "2024-03-04"}, "invalid"),
    ],
)
def test_a_make_up_fills_a_day_within_the_limit(fields: dict[str, Any], reason: str | None) -> None:
    fold = new_fold()
    feed(fold, [event("a", 6.5, name="check_in", **fields)])  # 2024-03-03
    assert reasons(fold) == ([reason] if reason else [])
    if reason is None:
        user = app_of(fold).users["u"]
        assert user.last_day == MONDAY + 6
        assert user.last_check_in == MONDAY + (6 if fields["for_day"] == "2024-03-03" else 3)


def test_whatever_changes_a_users_row_marks_it_to_be_shown() -> None:
    fold = new_fold()
    for number, (name, day, shown) in enumerate(
        [("page_view", 1.5, True), ("page_view", 1.6, False), ("check_in", 1.7, True), ("check_in", 1.8, False)]
    ):
        feed(fold, [event(f"e{number}", day, name=name)], start=number)
        assert app_of(fold).shown == ({"u"} if shown else set()), (name, day)
        app_of(fold).shown.clear()


def test_for_day_means_nothing_on_other_events() -> None:
    fold = new_fold()
    feed(fold, [event("a", 6.5, for_day="2020-01-01")])
    assert fold.dead == []
    assert app_of(fold).users["u"].last_check_in == NO_DAY


def test_what_the_system_did_makes_no_one_active_but_moves_the_watermark() -> None:
    fold = new_fold()
    feed(fold, [event("a", 5, name="message_sent")])
    assert app_of(fold).users["u"].days == 0
    assert fold.progress.events.watermark == MONDAY + 5
    assert fold.accepted[EVENTS.name] == 1


def test_what_an_app_qualifies_is_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_fold, "_KNOWN_EVENTS", 2)
    fold = new_fold(AppCatalog(default=AppSettings(qualifying=frozenset({"order_paid"}))))
    feed(fold, [event(name, 1, name=name) for name in ("a", "b", "c", "order_paid")])
    assert app_of(fold).users["u"].days == 1
    assert len(app_of(fold)._known_events) <= 2
