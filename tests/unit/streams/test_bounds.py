"""Sizes that input decides: none may stop the worker or grow without bound."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import MessageAccumulator

from schemas.apps import AppCatalog, AppSettings
from schemas.dead_letter import DeadLetter
from schemas.tables import RowBatch
from schemas.topics import DEAD, EVENTS, REKEYED
from schemas.validator import EventValidator
from streams import open_cells
from streams import partition as partition_module
from streams.changelog import KafkaWriter
from streams.core.app_fold import AppFold
from streams.core.state import UserState
from streams.core.totals import close_cells, rebuild, settle
from streams.partition import Partition
from streams.settings import StreamSettings
from tests.unit.core import brute
from tests.unit.core.support import DAY_MS, MONDAY, MONDAY_MS, Record, app_of, event, feed, new_fold, numbers

BEHIND = {EVENTS.name: False, REKEYED.name: False}
AT_END = {EVENTS.name: True, REKEYED.name: True}


def partition(apps: AppCatalog | None = None) -> Partition:
    catalog = apps or AppCatalog()
    settings = StreamSettings(bootstrap="", app_id="test", apps=catalog)
    made = Partition(0, settings, EventValidator(catalog, 4096), {}, lambda _user: 0, generation=1)
    with pytest.raises(StopIteration):
        made.recover().send(None)
    return made


def test_a_partition_that_gets_only_rekeyed_messages_survives_a_year() -> None:
    """Its own watermark is never set, so its days never close and the record's one byte of open days overflows."""
    made = partition()
    for day in range(300):
        feed(made.fold, [event(f"e{day}", day)], start=day, rekeyed=True)
        flush = made.take_flush(RowBatch(), AT_END)
        assert flush is not None
        made.delivered(flush)


def test_old_rekeyed_messages_reopen_once_and_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog of another partition, days behind: every user is read once for it, not once a flush."""
    reopened: list[int] = []

    def counted(app: AppFold, users: Iterable[UserState], since: int) -> None:
        reopened.append(since)
        rebuild(app, users, since)

    monkeypatch.setattr(open_cells, "rebuild", counted)
    monkeypatch.setattr(partition_module, "_HOT_USERS", 1)
    made = partition()
    feed(made.fold, [event("a", 60, user="a"), event("b", 60, user="b")])
    delivered(made, AT_END)
    for day in (50, 51, 52, 53):
        made.take(REKEYED.name, [Record(day, json.dumps(event(f"r{day}", day)).encode())])
        delivered(made, BEHIND)
    assert reopened == [MONDAY + 50]
    expected = brute.cells({MONDAY + day for day in (50, 51, 52, 53)}, set())
    expected += brute.cells({MONDAY + 60}, set()) + brute.cells({MONDAY + 60}, set())
    still_open = {cell: users for cell, users in expected.items() if brute.last_day(*cell) >= MONDAY + 50}
    assert numbers(made.fold.apps["app"].totals) == still_open


def delivered(made: Partition, at_end: dict[str, bool]) -> None:
    flush = made.take_flush(RowBatch(), at_end)
    assert flush is not None
    made.delivered(flush)


def test_event_ids_of_closed_days_leave_the_memory_of_a_user_who_stays_hot() -> None:
    made = partition()
    for day in range(60):
        feed(made.fold, [event(f"e{day}", day)], start=day)
        flush = made.take_flush(RowBatch(), AT_END)
        assert flush is not None
        made.delivered(flush)
    assert len(made.fold.apps["app"].users["u"].event_ids) < 20


def test_segment_values_that_closed_leave_memory() -> None:
    fold = new_fold()
    feed(fold, [event(f"e{number}", 0, user=f"u{number}", channel=f"c{number}") for number in range(100)])
    app = app_of(fold)
    list(settle(app))
    close_cells(app, 100_000)
    list(settle(app))
    assert len(app.totals.segments) + len(app.changes.segments) < 10


def test_decoded_users_are_bounded_over_all_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_module, "_HOT_USERS", 10)
    made = partition()
    values = [{**event(f"e{number}", 0, user=f"u{number}"), "app_id": f"app{number % 50}"} for number in range(500)]
    feed(made.fold, values)
    flush = made.take_flush(RowBatch(), AT_END)
    assert flush is not None
    made.delivered(flush)
    assert sum(len(app.users) for app in made.fold.apps.values()) <= 50


@pytest.mark.parametrize("ts", [2**62, 253_402_300_800_000])
def test_a_message_of_the_rekeyed_topic_with_an_impossible_time_is_refused(ts: int) -> None:
    fold = new_fold()
    feed(fold, [event("a", 0, ts=ts)], rekeyed=True)
    assert [letter.reason for letter in fold.dead] == ["invalid"]


class _Producer:
    """Batches as the real producer makes them; what is sent is counted."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self._accumulator: Any = None

    def create_batch(self) -> Any:
        if self._accumulator is None:
            cluster: Any = None
            self._accumulator = MessageAccumulator(cluster, 512 * 1024, 0, 60, loop=asyncio.get_running_loop())
        return self._accumulator.create_builder()

    async def send_batch(self, batch: Any, _topic: str, *, partition: int) -> Any:
        batch.close()
        self.sent.append(batch.size())
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def letter(value: bytes, at_ms: int = MONDAY_MS) -> DeadLetter:
    return DeadLetter("invalid", "too large", EVENTS.name, 0, 0, b"key", value, at_ms)


async def published(*letters: DeadLetter) -> list[int]:
    producer = _Producer()
    writer = KafkaWriter(lambda: producer, "changelog", 1)
    await writer.dead_letters(0, letters)
    return producer.sent


@pytest.mark.parametrize("size", [EVENTS.config["max.message.bytes"], str(64 * 1024 * 1024)])
def test_the_dead_letter_of_the_largest_message_fits_into_its_topic(size: str) -> None:
    """A message that just fits into ``mp.events``, and one that was compressed into it."""
    value = b"x" * (int(size) - 80)
    assert max(asyncio.run(published(letter(value)))) <= int(DEAD.config["max.message.bytes"])


@pytest.mark.parametrize("at_ms", [-1, 0, 2**62, 2**63 - 1])
def test_a_dead_letter_keeps_any_timestamp(at_ms: int) -> None:
    assert asyncio.run(published(letter(b"x", at_ms), letter(b"y"), letter(b"z", -1), letter(b"z", 2**63 - 1)))


def test_a_make_up_far_back_in_an_app_with_no_lateness() -> None:
    apps = AppCatalog(default=AppSettings(allowed_lateness=0, make_up_days=30))
    made = partition(apps)
    for day in range(0, 90, 5):
        values = [
            event(f"e{day}", day, name="check_in"),
            event(f"f{day}", day, name="check_in", for_day=_iso(max(0, day - 30))),
        ]
        records = [Record(day * 2 + index, json.dumps(value).encode()) for index, value in enumerate(values)]
        events = EventValidator(apps, 4096).validate([record.value for record in records])
        made.fold.fold_events(records, events)
        flush = made.take_flush(RowBatch(), AT_END)
        assert flush is not None
        made.delivered(flush)
        assert not [
            count
            for _, _, _, _, group in made.fold.apps["app"].totals.groups()
            for count in group.values()
            if count < 0
        ]


def _iso(day: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp((MONDAY_MS + day * DAY_MS) / 1000 + 8 * 3600, UTC).date().isoformat()
