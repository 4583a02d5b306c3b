"""Malformed messages in bulk: all of them are refused by name, and none of the good ones suffers."""

import random

from schemas.topics import DEAD
from tests.e2e.pipeline import PARTITIONS, Pipeline
from tests.faults.load import in_parts
from tests.oracle.judge import Message

_POISON = 20_000


def test_twenty_thousand_malformed_messages_hold_nothing_up(pipeline: Pipeline) -> None:
    chance = random.Random(51)
    (good,) = in_parts(51, 1)
    poison = [
        Message(
            chance.randrange(PARTITIONS),
            -1,
            chance.randbytes(chance.randrange(8)) or None,
            chance.choice((chance.randbytes(chance.randrange(1, 200)), b"{" * chance.randrange(1, 2000), b"[]", b"1")),
            chance.choice(good).timestamp_ms,
        )
        for _ in range(_POISON)
    ]
    together = sorted([*good, *poison], key=lambda message: message.timestamp_ms)
    worker = pipeline.start_worker()
    pipeline.publish(together)
    pipeline.wait_until_folded()
    pipeline.assert_exact()
    refused = pipeline.client.query("SELECT count() FROM dead_letters WHERE reason = 'invalid'").result_rows[0][0]
    assert refused >= _POISON
    assert len(pipeline.read(DEAD.name)) == pipeline.client.query("SELECT count() FROM dead_letters").result_rows[0][0]
    assert worker.stop() == 0
