"""A worker that is frozen in mid-flush past its session, is replaced, and wakes up to finish what it was doing."""

import os
import random
import time

import pytest

from tests.e2e.pipeline import Pipeline
from tests.faults.group import bury_the_dead, keep_all_records
from tests.faults.load import feed, in_parts
from tests.faults.worker_main import FAULT_HIT, FAULT_POINT, FAULT_SIGNAL, PROGRAM

_PARTS = 16
#: Where a flush leaves traces that its successor meets, or has yet to leave them.
_POINTS = ("flush-point-written", "ownership-proven", "one-table-written", "sink-written", "changelog-under-way")


@pytest.mark.parametrize("point", _POINTS)
def test_a_worker_frozen_at_a_named_point_changes_nothing_when_it_wakes(pipeline: Pipeline, point: str) -> None:
    chance = random.Random(f"frozen {point}")
    parts = in_parts(chance.randrange(1000), _PARTS)
    hit = chance.randint(2, 5)
    frozen = pipeline.start_worker(
        PROGRAM, environment={FAULT_POINT: point, FAULT_HIT: str(hit), FAULT_SIGNAL: "SIGSTOP"}
    )
    stopped = feed(pipeline, parts, _PARTS // 2, lambda: _is_stopped(frozen.process.pid))
    assert stopped, f"{point} was not passed {hit} times; see {frozen.log}"
    keep_all_records(pipeline.settings)
    successor = pipeline.start_worker()
    for _ in range(len(parts) // 2):
        pipeline.publish(parts.pop(0))
    pipeline.wait_until_folded()
    frozen.wake()
    for part in parts[:-1]:
        pipeline.publish(part)
        time.sleep(chance.uniform(0, 1))
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)
    # What it wrote to the changelog is read by the next one.
    frozen.kill()
    successor.kill()
    bury_the_dead(pipeline.settings)
    pipeline.start_worker()
    pipeline.publish(parts[-1])
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)


def _is_stopped(pid: int) -> bool:
    """Whether a child of ours stands still; it remains to be waited for."""
    return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
