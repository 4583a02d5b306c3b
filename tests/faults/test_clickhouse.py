"""ClickHouse is slow, refuses, dies, loses answers, executes what was given up, or has no room left."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.e2e.pipeline import Pipeline, new_pipeline
from tests.faults.load import in_parts
from tests.faults.proxy import Mood, running_proxy
from tests.faults.small_disk import small_disk
from tests.oracle.dataset import CATALOG
from tests.ports import reserve_port

_PARTS = 12
_BALLAST = "ballast"
_BACK_S = 20.0


@pytest.mark.parametrize("mood", [Mood.SLOW, Mood.REFUSE, Mood.FULL, Mood.CUT, Mood.LOSE, Mood.LATE, None])
def test_requests_that_go_wrong_on_the_way_change_nothing(pipeline: Pipeline, mood: Mood | None) -> None:
    seed = random.Random(str(mood)).randrange(1000)
    with running_proxy(pipeline.settings.clickhouse_url, seed) as proxy:
        behind = pipeline.settings.model_copy(update={"clickhouse_url": proxy.url})
        worker = pipeline.start_worker(settings=behind)
        for number, part in enumerate(in_parts(seed, _PARTS)):
            pipeline.publish(part)
            if number % 4 == 0:
                pipeline.wait_for_some_progress()
                proxy.feel(mood)
            elif number % 4 == 3:
                time.sleep(2)
                proxy.feel(Mood.PASS)
        assert proxy.disturbed > 0
        pipeline.wait_until_folded()
        proxy.quiet()
        pipeline.assert_exact()
        assert worker.stop() == 0


def test_kill_9_of_clickhouse_loses_no_row_that_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(21)
    with (
        EmbeddedClickHouse(tmp_path / "data", reserve_port(), tmp_path) as clickhouse,
        new_pipeline(clickhouse.url, "retention", tmp_path, CATALOG) as pipeline,
    ):
        pipeline.start_worker()
        for number, part in enumerate(in_parts(21, _PARTS)):
            pipeline.publish(part)
            if number in (3, 7):
                pipeline.wait_for_some_progress()
                time.sleep(chance.uniform(0, 0.5))
                os.kill(clickhouse.pid, signal.SIGKILL)
                clickhouse.stop()
                time.sleep(1)
                clickhouse.start()
        pipeline.wait_until_folded()
        pipeline.assert_exact()


@pytest.mark.xfail(reason="chDB's streaming insert reports success when the disk is full, and the rows are lost")
def test_a_full_disk_of_clickhouse_is_waited_for(tmp_path: Path) -> None:
    parts = in_parts(22, _PARTS)
    with (
        small_disk(tmp_path / "disk", mebibytes=64) as disk,
        EmbeddedClickHouse(disk / "data", reserve_port(), tmp_path) as clickhouse,
        new_pipeline(clickhouse.url, "retention", tmp_path, CATALOG) as pipeline,
    ):
        worker = pipeline.start_worker()
        for part in parts[:4]:
            pipeline.publish(part)
        pipeline.wait_until_folded()
        before = _consumed(pipeline)
        _fill(disk / _BALLAST)
        for part in parts[4:]:
            pipeline.publish(part)
        time.sleep(5)
        worker.check()
        assert _consumed(pipeline) == before
        (disk / _BALLAST).unlink()
        pipeline.wait_until_folded(_BACK_S)
        pipeline.assert_exact()


def _consumed(pipeline: Pipeline) -> int:
    return int(pipeline.client.query("SELECT sum(consumed) FROM progress FINAL").result_rows[0][0])


def _fill(path: Path) -> None:
    """Take all that is left on the disk of ``path``."""
    with path.open("wb", buffering=0) as ballast:
        block = bytes(1 << 20)
        while block:
            try:
                ballast.write(block)
            except OSError:
                block = block[: len(block) // 2]
