"""Whatever is published, nothing is lost: a refused message is in ``mp.events.dead`` and in ``dead_letters``."""

import json
import time
from typing import Any

from schemas.topics import DEAD
from tests.e2e.pipeline import Pipeline

APP = "wx-default"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def event(now_ms: int, **fields: Any) -> bytes:
    base = {"event_id": "e1", "app_id": APP, "user_id": "u1", "event": "app_open", "ts": now_ms}
    return json.dumps({name: value for name, value in {**base, **fields}.items() if value is not ...}).encode()


def test_each_bad_message_is_dead_lettered_with_reason_and_origin(pipeline: Pipeline) -> None:
    now = int(time.time() * 1000)
    # u1 lives in the partition of the first message, so that nothing is rekeyed.
    home = pipeline.home("u1")
    values: list[tuple[bytes | None, str | None]] = [
        (event(now), None),
        (b'{"event_id": "e2", "app_id"', "invalid"),
        (event(now, ts="yesterday"), "invalid"),
        (event(now, duration_ms="long"), "invalid"),
        (event(now, user_id=...), "invalid"),
        (event(now, app_id="wx-nobody"), "invalid"),
        (b"", "invalid"),
        (None, "invalid"),
        (event(now, page="x" * 10 * 1024 * 1024), "invalid"),
        (event(now, event_id="e3", ts=now + 25 * HOUR_MS), "future"),
        (event(now, event_id="e4", ts=now - 5 * DAY_MS), "late"),
        (event(now), None),  # a duplicate
    ]
    pipeline.start_worker()
    for value, _ in values:
        pipeline.publish_one(value, key=b"u1", partition=home)
    pipeline.wait_until_folded()

    expected = {offset: reason for offset, (_, reason) in enumerate(values) if reason}
    dead = {}
    for record in pipeline.read(DEAD.name):
        headers = {name: value.decode() for name, value in record.headers}
        assert (headers["topic"], headers["partition"]) == ("mp.events", str(home))
        assert headers["detail"]
        dead[int(headers["offset"])] = headers["reason"]
        assert (record.value or b"") == (values[int(headers["offset"])][0] or b"")
        assert record.key == b"u1"
    assert dead == expected
    rows = pipeline.client.query("SELECT offset, reason, topic, partition FROM dead_letters").result_rows
    assert {offset: reason for offset, reason, *_ in rows} == expected
    assert {(topic, partition) for *_, topic, partition in rows} == {("mp.events", home)}
    ((consumed, accepted, duplicate, late, future, invalid, rekeyed),) = pipeline.client.query(
        "SELECT consumed, accepted, duplicate, late, future, invalid, rekeyed FROM progress FINAL"
        f" WHERE topic = 'mp.events' AND partition = {home}"
    ).result_rows
    assert (consumed, accepted, duplicate, late, future, invalid, rekeyed) == (12, 1, 1, 1, 1, 8, 0)
    pipeline.assert_exact()


def test_messages_without_a_key_or_with_a_foreign_one_reach_their_user(pipeline: Pipeline) -> None:
    now = int(time.time() * 1000)
    pipeline.start_worker()
    for number in range(12):
        key = (None, b"someone else", "用户 1".encode())[number % 3]
        value = event(now - number % 3 * DAY_MS, event_id=f"e{number}", user_id=f"用户 {number % 2}")
        pipeline.publish_one(value, key=key, partition=number % 4)
    pipeline.wait_until_folded()
    pipeline.assert_exact()
    rows = pipeline.client.query("SELECT user_id, active_days_7 FROM user_activity ORDER BY user_id").result_rows
    assert rows == [("用户 0", 3), ("用户 1", 3)]
