"""The tables stay exact when workers are killed, join and leave."""

import random
import time

from tests.e2e.pipeline import PARTITIONS, Pipeline
from tests.oracle.dataset import Size, generate
from tests.oracle.judge import Message

SIZE = Size(users=10, days=45)
STEPS = 12


def steps(messages: list[Message]) -> list[list[Message]]:
    """The messages in order of sending, in so many parts."""
    return [messages[step * len(messages) // STEPS : (step + 1) * len(messages) // STEPS] for step in range(STEPS)]


def test_kill_9_in_mid_stream_changes_nothing(pipeline: Pipeline) -> None:
    chance = random.Random(1)
    worker = pipeline.start_worker()
    for step, messages in enumerate(steps(generate(1, SIZE).messages(PARTITIONS))):
        pipeline.publish(messages)
        if step % 3 == 1:
            pipeline.wait_for_some_progress()
            time.sleep(chance.uniform(0, 0.6))
            worker.kill()
            worker = pipeline.start_worker()
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)


def test_two_workers_share_the_work_and_one_leaves_gracefully(pipeline: Pipeline) -> None:
    first = pipeline.start_worker()
    parts = steps(generate(3, SIZE).messages(PARTITIONS))
    for messages in parts[:4]:
        pipeline.publish(messages)
    pipeline.wait_for_some_progress()
    pipeline.start_worker()
    for messages in parts[4:8]:
        pipeline.publish(messages)
        time.sleep(2)
    assert first.stop() == 0
    for messages in parts[8:]:
        pipeline.publish(messages)
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)


def test_a_worker_that_died_leaves_its_partitions_to_the_other(pipeline: Pipeline) -> None:
    first = pipeline.start_worker()
    second = pipeline.start_worker()
    parts = steps(generate(4, SIZE).messages(PARTITIONS))
    for messages in parts[:6]:
        pipeline.publish(messages)
        time.sleep(1)
    pipeline.wait_for_some_progress()
    first.kill()
    for messages in parts[6:]:
        pipeline.publish(messages)
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)
    assert second.stop() == 0


def test_a_restart_after_a_graceful_stop_repeats_nothing(pipeline: Pipeline) -> None:
    parts = steps(generate(5, SIZE).messages(PARTITIONS))
    for messages in parts[:6]:
        pipeline.publish(messages)
    worker = pipeline.start_worker()
    pipeline.wait_until_folded()
    assert worker.stop() == 0
    for messages in parts[6:]:
        pipeline.publish(messages)
    pipeline.start_worker()
    pipeline.wait_until_folded()
    pipeline.assert_exact()
