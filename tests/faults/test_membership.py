"""Workers join, leave and are killed at random under load."""

import random
import signal
import time

from tests.e2e.pipeline import Pipeline, WorkerProcess
from tests.faults.load import in_parts

_PARTS = 30
_MOST_WORKERS = 3
#: Exit statuses after SIGTERM: of a worker at work, and of one that was still starting.
_STOPPED = (0, 128 + signal.SIGTERM, -signal.SIGTERM)


def test_workers_that_come_and_go_change_nothing(pipeline: Pipeline) -> None:
    chance = random.Random(41)
    working: list[WorkerProcess] = [pipeline.start_worker()]
    for part in in_parts(41, _PARTS):
        pipeline.publish(part)
        time.sleep(chance.uniform(0, 1))
        fate = chance.random()
        if len(working) < _MOST_WORKERS and fate < 0.4:
            working.append(pipeline.start_worker())
        elif len(working) > 1 and fate < 0.6:
            working.pop(chance.randrange(len(working))).kill()
        elif len(working) > 1 and fate < 0.75:
            assert working.pop(chance.randrange(len(working))).stop() in _STOPPED
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)
