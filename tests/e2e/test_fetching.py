"""How batches reach the fold: as they were decoded, and the next one is fetched meanwhile."""

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.e2e.pipeline import Pipeline
from tests.oracle.judge import Message

_NOW = int(time.time() * 1000)

#: A worker that says, of each batch that it folds: how long it is, whether the next fetch is asked for, of what it is.
_NOTING = """
import asyncio
from deploy.connection import clickhouse_sink
from deploy.settings import Settings, stream_settings
from streams.app import create_app
from streams.run import run_worker
from streams.worker import Worker

fold, settings = Worker.take, Settings()
app = create_app(stream_settings(settings), clickhouse_sink(settings))

async def take(self, event):
    batch = event.message.value
    print("folds", len(batch), app.consumer._thread.is_asked, type(batch[-1]).__name__, flush=True)
    await fold(self, event)

Worker.take = take
run_worker(app)
"""


def messages(pipeline: Pipeline, count: int) -> Iterator[Message]:
    for number in range(count):
        user_id = f"user {number % 97}"
        fields = {"event_id": str(number), "app_id": "wx-default", "user_id": user_id, "event": "app_open", "ts": _NOW}
        yield Message(pipeline.home(user_id), -1, user_id.encode(), json.dumps(fields).encode(), _NOW)


@pytest.mark.parametrize("count", [pytest.param(400, id="all partitions in one fetch"), 60_000])
def test_the_next_fetch_is_under_way_while_a_batch_is_folded(pipeline: Pipeline, count: int) -> None:
    pipeline.publish(messages(pipeline, count))
    worker = pipeline.start_worker(("-c", _NOTING))
    pipeline.wait_until_folded()
    assert worker.stop() == 0
    folds = re.findall(r"^folds (\d+) (True|False) (\w+)$", worker.log.read_text(), re.MULTILINE)
    assert sum(int(length) for length, *_ in folds) == count
    assert {asked for _, asked, _ in folds} == {"True"}
    assert not {kind for *_, kind in folds} & {"ConsumerRecord"}
