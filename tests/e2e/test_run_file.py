"""``retention run FILE --data-dir DIR``: every published cell equals brute force over the lines of the file."""

import os
import subprocess
import sys
import time
from pathlib import Path

from clickhouse_connect import get_client

from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.lines import key_of
from deploy.publisher import partition_of
from streams.partitioner import Partitioner
from tests.oracle.compare import assert_equal_views
from tests.oracle.dataset import CATALOG, Size, generate
from tests.oracle.judge import Message, judge
from tests.oracle.tables import tables
from tests.ports import reserve_port

PARTITIONS = 4


def as_published(lines: list[bytes], now_ms: int) -> list[Message]:
    """The records that publishing ``lines`` in this order makes."""
    home, offsets, messages = Partitioner(PARTITIONS), [0] * PARTITIONS, []
    for line in lines:
        key = key_of(line)
        partition = partition_of(home, PARTITIONS, key, line)
        messages.append(Message(partition, offsets[partition], key, line, now_ms))
        offsets[partition] += 1
    return messages


def test_every_cell_of_a_run_equals_brute_force(tmp_path: Path) -> None:
    # Chinese and spaced user ids, integer and RFC 3339 times, instants 1 ms either side of midnight, 29 February,
    # 20 hours of disorder and 15 % repeats, in several apps: see the data set.
    events, folder = tmp_path / "events.ndjson", tmp_path / "data"
    ndjson = generate(seed=11, size=Size(users=25)).ndjson()
    events.write_bytes(ndjson)
    environment = {**os.environ, "RETENTION_APPS": CATALOG.model_dump_json(), "RETENTION_SESSION_TIMEOUT_S": "6"}

    def retention(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=110,
        ).stdout

    retention("run", str(events), "--data-dir", str(folder))
    answer = retention(
        "query", "SELECT count() AS n FROM retention_daily", "--data-dir", str(folder), "--format", "JSONEachRow"
    )

    lines = [line.rstrip(b"\r\n") for line in ndjson.split(b"\n") if line.strip()]
    messages = as_published(lines, int(time.time() * 1000))
    oracle = tables(judge(messages, CATALOG, PARTITIONS), CATALOG)
    assert answer == f'{{"n":{len(oracle.views["retention_daily"].rows)}}}\n'
    with EmbeddedClickHouse(folder / "clickhouse", reserve_port(), tmp_path) as clickhouse:
        client = get_client(host=clickhouse.host, port=clickhouse.port, database="retention")
        # When a line was published is not known here, and a dead letter says it.
        assert_equal_views(client, oracle, [view for view in oracle.views if view != "dead_letters"])
        dead = client.query("SELECT partition, offset, reason FROM dead_letters").result_rows
        assert set(dead) == {
            (partition, offset, row[0]) for (_, partition, offset), row in oracle.views["dead_letters"].rows.items()
        }
        client.close()
