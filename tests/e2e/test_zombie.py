"""Workers that are frozen past their session and wake up again, while others work."""

import random
import signal
import time

import pytest

from tests.e2e.pipeline import PARTITIONS, Pipeline
from tests.oracle.dataset import Size, generate

pytestmark = pytest.mark.faults

STEPS = 10
FROZEN_S = 10


def test_a_frozen_worker_that_wakes_up_changes_nothing(pipeline: Pipeline) -> None:
    chance = random.Random(11)
    messages = generate(11, Size(users=10, days=45)).messages(PARTITIONS)
    parts = [messages[step * len(messages) // STEPS : (step + 1) * len(messages) // STEPS] for step in range(STEPS)]
    first = pipeline.start_worker()
    pipeline.publish(parts[0])
    pipeline.wait_for_some_progress()
    pipeline.start_worker()
    for step, part in enumerate(parts[1:], 1):
        pipeline.publish(part)
        time.sleep(chance.uniform(0.1, 0.6))
        if step in (3, 6):
            first.process.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_S)
            first.process.send_signal(signal.SIGCONT)
    pipeline.wait_until_folded()
    pipeline.assert_exact(restarted=True)
