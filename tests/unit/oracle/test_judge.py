from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.contract import instant_ms
from tests.oracle.judge import Judgement, Message, Verdict, judge
from tests.oracle.strategies import CATALOG, histories, in_partitions
from tests.unit.oracle.worked import did, judged, message, one_app

ACCEPTED, DUPLICATE, LATE, FUTURE, INVALID, REKEYED = Verdict


def verdicts(judgement: Judgement) -> list[Verdict]:
    return [judged.verdict for judged in judgement.judged]


def test_day_at_the_edge_of_lateness_is_open_and_the_one_before_is_late() -> None:
    events = (did("u", "2024-03-04"), did("u", "2024-03-01"), did("u", "2024-02-29"))
    assert verdicts(judged(*events)) == [ACCEPTED, ACCEPTED, LATE]


def test_lateness_is_the_apps_own_and_the_watermark_the_partitions() -> None:
    catalog = AppCatalog(listed={"a": AppSettings(allowed_lateness=0), "b": AppSettings(allowed_lateness=5)})
    other = did("u", "2024-03-02") | {"app_id": "b"}
    late_there = did("u", "2024-03-01")
    assert verdicts(judged(other, late_there, late_there | {"app_id": "b"}, catalog=catalog)) == [
        ACCEPTED,
        LATE,
        ACCEPTED,
    ]


def test_each_partition_has_its_own_watermark() -> None:
    new, old = did("u2", "2024-03-09"), did("u21", "2024-03-01")
    judgement = judge([message(new, 0, 0), message(old, 0, 1)], AppCatalog(), 2)
    assert verdicts(judgement) == [ACCEPTED, ACCEPTED]
    assert judgement.watermarks == {0: 19_791, 1: 19_783}
    assert judgement.today == 19_791


def test_future_begins_a_millisecond_after_24_hours_and_moves_no_watermark() -> None:
    far = did("u", "2024-03-10T12:00:00.001+08:00")
    near = did("u", "2024-03-10T12:00:00+08:00")
    sent = instant_ms("2024-03-09T12:00:00+08:00")
    first = judge([message(far, 0, timestamp_ms=sent)], AppCatalog(), 1)
    assert (verdicts(first), first.watermarks) == ([FUTURE], {})
    second = judge([message(near, 0, timestamp_ms=sent)], AppCatalog(), 1)
    assert (verdicts(second), second.watermarks) == ([ACCEPTED], {0: 19_792})


def test_year_past_all_calendars_is_future() -> None:
    value = message(did("u", "2024-03-10")).value or b""
    value = value.replace(b'"2024-03-10T12:00:00+08:00"', b"4611686018427387904")
    assert verdicts(judge([Message(0, 0, b"u", value, 0)], AppCatalog(), 1)) == [FUTURE]


def test_year_2100_is_invalid_unless_it_is_future() -> None:
    first_of_2100 = instant_ms("2100-01-01T00:00:00Z")
    late_2099, early_2100 = did("u", "2099-12-31T23:59:59.999Z"), did("u", "2100-01-01T00:00:00Z")
    messages = [message(late_2099, 0), message(early_2100, 1)]
    assert verdicts(judge(messages, AppCatalog(), 1)) == [ACCEPTED, INVALID]
    sent = first_of_2100 - 24 * 60 * 60 * 1000 - 1
    assert verdicts(judge([message(early_2100, 0, timestamp_ms=sent)], AppCatalog(), 1)) == [FUTURE]


def test_event_that_does_not_qualify_is_accepted_and_moves_the_watermark() -> None:
    judgement = judged(did("u", "2024-03-09", "message_sent"), did("u", "2024-03-05"))
    assert verdicts(judgement) == [ACCEPTED, LATE]


def test_refused_messages_move_no_watermark() -> None:
    invalid = did("u", "2024-03-20", "check_in", for_day="2024-03-21")
    judgement = judged(did("u", "2024-03-09"), invalid, did("u", "2024-03-06"))
    assert verdicts(judgement) == [ACCEPTED, INVALID, ACCEPTED]


def test_same_id_of_the_same_user_and_app_is_a_duplicate() -> None:
    first = did("u", "2024-03-01")
    other_content = did("u", "2024-03-02", channel="x") | {"event_id": first["event_id"]}
    judgement = judged(first, first, other_content, first | {"user_id": "U"}, first | {"app_id": "b"})
    assert verdicts(judgement) == [ACCEPTED, DUPLICATE, DUPLICATE, ACCEPTED, ACCEPTED]
    assert len(judgement.accepted) == 3
    assert not judgement.undetermined


def test_repeat_of_a_closed_day_is_late() -> None:
    first = did("u", "2024-03-01")
    assert verdicts(judged(first, did("u", "2024-03-09"), first)) == [ACCEPTED, ACCEPTED, LATE]


def test_id_that_comes_again_on_another_day_after_its_own_closed_is_noted() -> None:
    first = did("u", "2024-03-01")
    judgement = judged(first, did("u", "2024-03-09") | {"event_id": first["event_id"]})
    assert len(judgement.undetermined) == 1


def test_refused_events_are_not_remembered_as_seen() -> None:
    event = did("u", "2024-03-01")
    sent = instant_ms("2024-02-28T00:00:00+08:00")
    judgement = judge([message(event, 0, timestamp_ms=sent), message(event, 1)], AppCatalog(), 1)
    assert verdicts(judgement) == [FUTURE, ACCEPTED]


def test_event_on_another_partition_than_its_users_is_rekeyed_and_still_counts() -> None:
    # murmur2 puts "u2" on partition 0 of 2.
    events = [did("u2", f"2024-03-0{day}") for day in range(1, 5)]
    messages = [
        message(events[0], 0),
        message(events[1], 0, partition=1),
        message(events[2], 1, partition=1, key=None),
        message(events[3], 2, partition=1, key=b"someone"),
    ]
    judgement = judge(messages, AppCatalog(), 2)
    assert verdicts(judgement) == [ACCEPTED, REKEYED, REKEYED, REKEYED]
    assert {judged.home for judged in judgement.judged} == {0}
    assert len(judgement.accepted) == 4


@pytest.mark.parametrize("key", [None, b"", b"someone else"])
def test_event_on_its_users_partition_is_at_home_whatever_its_key(key: bytes | None) -> None:
    assert verdicts(judge([message(did("u2", "2024-03-01"), key=key)], AppCatalog(), 2)) == [ACCEPTED]


def test_rekeyed_event_is_judged_where_it_landed() -> None:
    old, new = did("u2", "2024-03-01"), did("u2", "2024-03-09")
    judgement = judge([message(new, 0, 0), message(old, 0, 1)], AppCatalog(), 2)
    assert verdicts(judgement) == [ACCEPTED, REKEYED]
    assert judgement.watermarks == {0: 19_791, 1: 19_783}
    assert judgement.closed_rekeyed == {("a", "u2", old["event_id"])}


def test_rekeyed_repeat_counts_once() -> None:
    event = did("u2", "2024-03-01")
    judgement = judge([message(event, 0), message(event, 0, partition=1)], AppCatalog(), 2)
    assert len(judgement.accepted) == 1
    assert not judgement.closed_rekeyed
    assert not judgement.undetermined


def test_rekeyed_namesake_of_another_content_is_noted() -> None:
    event = did("u2", "2024-03-01")
    judgement = judge([message(event, 0), message(event | {"channel": "x"}, 0, partition=1)], AppCatalog(), 2)
    assert len(judgement.undetermined) == 1


def test_messages_may_be_given_in_any_order() -> None:
    messages = [message(did("u", f"2024-03-0{day}"), offset) for day, offset in zip((9, 1), count(), strict=False)]
    assert verdicts(judge(reversed(messages), AppCatalog(), 1)) == [ACCEPTED, LATE]


def test_value_longer_than_the_limit_is_invalid() -> None:
    one = message(did("u", "2024-03-01"))
    size = len(one.value or b"")
    assert verdicts(judge([one], one_app(), 1, max_bytes=size)) == [ACCEPTED]
    assert verdicts(judge([one], one_app(), 1, max_bytes=size - 1)) == [INVALID]


@given(histories(), st.frozensets(st.integers(0, 30)))
def test_every_message_has_one_verdict_and_what_counts_is_what_was_let_in(
    history: list[dict[str, Any]], astray: frozenset[int]
) -> None:
    judgement = judge(in_partitions(history, 3, astray), CATALOG, 3)
    assert len(judgement.judged) == len(history)
    let_in = {
        (one.event.app_id, one.event.user_id, one.event.event_id)
        for one in judgement.judged
        if one.event and one.verdict in (ACCEPTED, REKEYED)
    }
    assert set(judgement.accepted) == let_in
