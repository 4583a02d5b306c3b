"""An epoch beside another: what one of them forwards must not reach the other."""

import json

from deploy.migrating import migrate_all
from deploy.settings import Settings
from schemas.apps import AppCatalog, AppSettings
from tests.e2e.pipeline import PARTITIONS, Pipeline
from tests.oracle.judge import Message

APP = "wx-default"
NOON_MS = 1_708_920_000_000
DAY_MS = 86_400_000
FIRST_DAY_USER = "late by two days"


def astray(pipeline: Pipeline) -> list[Message]:
    """To a partition that is not their user's: a message of day 10, then one of day 8 of another user."""
    home = pipeline.home(FIRST_DAY_USER)
    there = (home + 1) % PARTITIONS
    values = [
        {"event_id": "1", "user_id": "u", "ts": NOON_MS + 10 * DAY_MS},
        {"event_id": "2", "user_id": FIRST_DAY_USER, "ts": NOON_MS + 8 * DAY_MS},
    ]
    return [
        Message(there, -1, None, json.dumps({**value, "app_id": APP, "event": "share"}).encode(), NOON_MS + 20 * DAY_MS)
        for value in values
    ]


def test_an_epoch_with_stricter_rules_is_not_reached_by_what_the_one_before_forwarded(pipeline: Pipeline) -> None:
    pipeline.publish(astray(pipeline))
    first = pipeline.start_worker()
    pipeline.wait_until_folded()
    assert first.stop() == 0

    stricter = AppCatalog(default=AppSettings(allowed_lateness=1))
    pipeline.settings = Settings(**{**pipeline.settings.model_dump(), "epoch": 2, "apps": stricter})
    migrate_all(pipeline.settings)
    pipeline.start_worker()
    pipeline.wait_until_folded()
    rows = pipeline.client.query("SELECT user_id FROM users FINAL WHERE epoch = 2 ORDER BY user_id").result_rows
    # In epoch 2 the second message is late: it was refused where it stood.
    assert rows == [("u",)]
