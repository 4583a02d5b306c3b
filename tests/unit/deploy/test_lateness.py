"""The check before a replay must decide as the worker does: both judge the same messages here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from deploy.lateness import Candidate, TimeCheck
from schemas.apps import AppCatalog, AppSettings
from schemas.validator import EventValidator
from streams.core.partition_fold import PartitionFold
from streams.core.progress import Progress

NOW_MS = 1_772_323_200_000
HOUR_MS = 3_600_000
MAX_BYTES = 262_144
APPS = AppCatalog(
    listed={"wx1": AppSettings(), "wx2": AppSettings(time_zone="America/New_York", allowed_lateness=0, make_up_days=0)}
)


@dataclass(slots=True)
class Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def _event(app_id: str, hours: int, name: str, for_day: str | None) -> bytes:
    event = {"event_id": "e", "app_id": app_id, "user_id": "u", "event": name, "ts": NOW_MS + hours * HOUR_MS}
    return json.dumps(event if for_day is None else {**event, "for_day": for_day}).encode()


EVENTS = st.builds(
    _event,
    st.sampled_from(["wx1", "wx2", "unlisted"]),
    st.integers(-200, 60),
    st.sampled_from(["page_view", "check_in", "message_sent"]),
    st.sampled_from([None, None, "2026-02-27", "2026-03-01", "2026-03-09"]),
)
BROKEN = st.sampled_from([b"", b"{", b"[]", b'{"app_id": "wx1"}'])


@given(st.lists(EVENTS | BROKEN, max_size=30))
def test_the_check_refuses_by_time_exactly_what_the_worker_refuses(values: list[bytes]) -> None:
    check = TimeCheck(APPS, MAX_BYTES, {})
    predicted = list(check.judge([Candidate(3, value, NOW_MS) for value in values]))

    fold = PartitionFold(3, 1, APPS, Progress(), load=lambda _app, _user: None, home=lambda _user: 3)
    records = [Record(offset, NOW_MS, b"u", value) for offset, value in enumerate(values)]
    if records:
        fold.fold_events(records, EventValidator(APPS, MAX_BYTES).validate(values))
    refused = {letter.offset: letter.reason for letter in fold.dead if letter.reason in {"late", "future"}}
    assert {offset: reason for offset, reason in enumerate(predicted) if reason is not None} == refused


def test_the_watermark_goes_on_from_where_the_worker_stands() -> None:
    today = NOW_MS // (24 * HOUR_MS)
    values = [_event("wx1", -24 * days, "page_view", None) for days in (4, 3, 0)]
    check = TimeCheck(APPS, MAX_BYTES, {0: today})
    assert list(check.judge([Candidate(0, value, NOW_MS) for value in values])) == ["late", None, None]
    assert list(check.judge([Candidate(1, value, NOW_MS) for value in values])) == [None, None, None]


def test_what_was_judged_before_counts_for_what_follows() -> None:
    check = TimeCheck(APPS, MAX_BYTES, {})
    new, old = (Candidate(0, _event("wx1", hours, "page_view", None), NOW_MS) for hours in (0, -200))
    assert list(check.judge([new])) == [None]
    assert list(check.judge([old])) == ["late"]
