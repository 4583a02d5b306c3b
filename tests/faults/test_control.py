"""The control: a plain Faust counter under the same comparison. It is exact until something fails, and not after."""

import json
import random

import pytest

from tests.e2e.pipeline import Pipeline
from tests.faults.plain_counter import PROGRAM
from tests.oracle.judge import Message

_VIEWS = ["pipeline_progress"]
_NOON_MS = 1_700_020_800_000
_DAY = _NOON_MS // 86_400_000
_STEPS = 8
_EVENTS = 100


def test_a_plain_counter_is_exact_while_nothing_fails(pipeline: Pipeline) -> None:
    pipeline.start_worker((*PROGRAM, str(_DAY)))
    for step in range(_STEPS):
        pipeline.publish(_events(pipeline, step))
    pipeline.wait_until_folded()
    pipeline.assert_exact(views=_VIEWS)


def test_the_comparison_sees_what_kill_9_does_to_a_plain_counter(pipeline: Pipeline) -> None:
    worker = pipeline.start_worker((*PROGRAM, str(_DAY)))
    for step in range(_STEPS):
        pipeline.publish(_events(pipeline, step))
        if step in (2, 5):
            pipeline.wait_for_some_progress()
            worker.kill()
            worker = pipeline.start_worker((*PROGRAM, str(_DAY)))
    pipeline.wait_until_folded()
    with pytest.raises(AssertionError, match=r"pipeline_progress.*consumed is"):
        pipeline.assert_exact(restarted=True, views=_VIEWS)
    ((counted,),) = pipeline.client.query("SELECT sum(consumed) FROM progress FINAL").result_rows
    assert counted > _STEPS * _EVENTS, "it counts twice what it reads again"


def _events(pipeline: Pipeline, step: int) -> list[Message]:
    """Good events, each of a user of its own, in the users' own partitions."""
    chance = random.Random(step)
    users = [f"u{step}-{number}" for number in range(_EVENTS)]
    chance.shuffle(users)
    made = []
    for user in users:
        event = {"event_id": "1", "app_id": "wx-default", "user_id": user, "event": "app_open", "ts": _NOON_MS}
        made.append(Message(pipeline.home(user), -1, user.encode(), json.dumps(event).encode(), _NOON_MS))
    return made
