"""A wall clock that jumps changes nothing: tables read the clocks of the events and of their records alone."""

from tests.e2e.pipeline import Pipeline
from tests.faults.load import in_parts
from tests.faults.worker_main import CLOCK_JUMPS, PROGRAM


def test_a_worker_whose_clock_jumps_publishes_the_same(pipeline: Pipeline) -> None:
    parts = in_parts(61, 8)
    for part in parts[:4]:
        pipeline.publish(part)
    worker = pipeline.start_worker(PROGRAM, environment={CLOCK_JUMPS: "61"})
    pipeline.wait_until_folded()
    for part in parts[4:]:
        pipeline.publish(part)
        pipeline.wait_for_some_progress()
    pipeline.wait_until_folded()
    pipeline.assert_exact()
    assert worker.stop() == 0
