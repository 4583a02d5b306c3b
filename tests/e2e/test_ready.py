"""``/readyz`` says whether the worker can do its work, and why not."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.e2e.pipeline import new_pipeline
from tests.oracle.dataset import CATALOG
from tests.ports import reserve_port

DEADLINE_S = 60


def look(port: int) -> tuple[int, dict[str, Any]]:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status, json.load(answer)
    except HTTPError as answer:
        with answer:
            return answer.code, json.load(answer)
    except OSError:
        return 0, {}


def wait_for(port: int, expected: Callable[[int, dict[str, Any]], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not expected(*look(port)):
        assert time.monotonic() < deadline, look(port)
        time.sleep(0.2)


def test_readiness_follows_clickhouse_and_the_worker_resumes_by_itself(tmp_path: Path) -> None:
    port = reserve_port()
    with (
        EmbeddedClickHouse(tmp_path / "data", reserve_port(), tmp_path) as clickhouse,
        new_pipeline(clickhouse.url, "retention", tmp_path, CATALOG, web_port=port) as pipeline,
    ):
        worker = pipeline.start_worker()
        wait_for(port, lambda status, page: status == 200 and page == {"ready": True, "troubles": []})
        clickhouse.stop()
        pipeline.publish_one(b"{}")
        wait_for(port, lambda status, page: status == 503 and "ClickHouse" in " ".join(page["troubles"]))
        clickhouse.start()
        wait_for(port, lambda status, _page: status == 200)
        pipeline.wait_until_folded()
        assert worker.stop() == 0


def test_a_worker_without_clickhouse_stops_when_told(tmp_path: Path) -> None:
    port = reserve_port()
    with (
        EmbeddedClickHouse(tmp_path / "data", reserve_port(), tmp_path) as clickhouse,
        new_pipeline(clickhouse.url, "retention", tmp_path, CATALOG, web_port=port) as pipeline,
    ):
        worker = pipeline.start_worker()
        wait_for(port, lambda status, _page: status == 200)
        clickhouse.stop()
        pipeline.publish_one(b"{}")
        wait_for(port, lambda status, _page: status == 503)
        assert worker.stop() == 0
        clickhouse.start()
        pipeline.start_worker()
        pipeline.wait_until_folded()
        pipeline.assert_exact(restarted=True)
