"""A worker that is killed at a named point: the next one goes on exactly where the durable state ends."""

import random
import signal

import pytest

from tests.e2e.pipeline import Pipeline
from tests.faults.group import bury_the_dead
from tests.faults.load import feed, in_parts
from tests.faults.worker_main import FAULT_HIT, FAULT_POINT, POINTS, PROGRAM
from tests.oracle.judge import Message

_PARTS = 16
#: Passed while the worker starts on a changelog only.
_AT_THE_START = ("changelog-record-read", "changelog-fetch-read", "users-rebuilt", "partition-rebuilt")
_MOST_HITS = {"changelog-record-read": 60, "one-table-written": 8, "changelog-under-way": 12}


@pytest.mark.parametrize("point", POINTS)
def test_kill_9_at_a_named_point_changes_nothing(pipeline: Pipeline, point: str) -> None:
    chance = random.Random(point)
    parts = in_parts(chance.randrange(1000), _PARTS)
    if point in _AT_THE_START:
        _leave_a_changelog(pipeline, parts)
    hit = chance.randint(1, _MOST_HITS.get(point, 4))
    doomed = pipeline.start_worker(PROGRAM, environment={FAULT_POINT: point, FAULT_HIT: str(hit)})
    doomed.expected = False
    feed(pipeline, parts, _PARTS // 4, lambda: doomed.process.poll() is not None)
    assert doomed.process.poll() == -signal.SIGKILL, f"{point} was not passed {hit} times; see {doomed.log}"
    for part in parts:
        pipeline.publish(part)
    bury_the_dead(pipeline.settings)
    pipeline.start_worker()
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)


def _leave_a_changelog(pipeline: Pipeline, parts: list[list[Message]]) -> None:
    for _ in range(_PARTS // 2):
        pipeline.publish(parts.pop(0))
    worker = pipeline.start_worker()
    pipeline.wait_until_folded()
    worker.kill()
    bury_the_dead(pipeline.settings)
