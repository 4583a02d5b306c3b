import asyncio
import gzip
import io
import json
import sys
import time
from pathlib import Path

import pytest

from deploy.cli import run
from deploy.connection import clickhouse_sink
from deploy.settings import Settings
from schemas.tables import TABLES, RowBatch
from tests.integration.cli.conftest import NOWHERE
from tests.integration.cli.kafka import Record, records
from tests.oracle.murmur2 import partition_of

DAY_MS = 86_400_000
#: Noon in Shanghai, a while ago.
NOON = 1_772_337_600_000


def _line(user_id: str, ts: int, number: int = 0) -> bytes:
    event = {
        "event_id": f"{user_id}-{ts}-{number}",
        "app_id": "wx1",
        "user_id": user_id,
        "event": "page_view",
        "ts": ts,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def _file(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


def _published(settings: Settings, count: int) -> list[Record]:
    return records(settings.kafka_bootstrap, "mp.events", count)


def test_every_line_arrives_as_it_is_keyed_by_its_user_at_its_partition(migrated: Settings, tmp_path: Path) -> None:
    users = [f"用户 {number}" for number in range(20)]
    lines = [_line(user, NOON + number, number) for number in range(30) for user in users]
    half = len(lines) // 2
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"\n".join(lines[half:])))
    before = time.time_ns() // 1_000_000
    assert run(["replay", _file(tmp_path / "a", *lines[:half]), str(tmp_path / "b.gz")]) == 0
    found = _published(migrated, len(lines))
    assert sorted(one.value for one in found) == sorted(lines)
    for one in found:
        user_id = json.loads(one.value)["user_id"]
        assert one.key == user_id.encode()
        assert one.partition == partition_of(user_id.encode(), migrated.partitions)
        assert one.timestamp >= before
    for user in users:
        mine = [one.value for one in found if one.key == user.encode()]
        assert mine == [line for line in lines if json.loads(line)["user_id"] == user]


def test_lines_that_are_no_events_are_published_without_a_key(migrated: Settings, tmp_path: Path) -> None:
    lines = [
        b"{",
        b"[]",
        b'{"user_id": 7}',
        b"\xff",
        b'{"user_id": "u", "event": "X"}',
        b'"' + b"x" * 10_000_000 + b'"',
    ]
    assert run(["replay", _file(tmp_path / "a", *lines)]) == 0
    found = {one.value: one.key for one in _published(migrated, len(lines))}
    assert found == {line: b"u" if b'"u"' in line else None for line in lines}


def test_late_lines_are_refused_before_anything_is_published(
    migrated: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = [_line("u", NOON - 4 * DAY_MS, 1), _line("u", NOON - 5 * DAY_MS, 2)]
    path = _file(tmp_path / "a", _line("u", NOON), b"", _line("u", NOON - 3 * DAY_MS), *late)
    assert run(["replay", path]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"of 4 lines the pipeline would refuse 2 as late, the first of them line 4 of {path}" in error
    assert "oldest first" in error
    assert "RETENTION_EPOCH=2" in error
    assert "--allow-late" in error
    assert _published(migrated, 0) == []
    assert run(["replay", "--allow-late", path]) == 0
    assert len(_published(migrated, 4)) == 4


def test_future_lines_are_refused(migrated: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tomorrow = time.time_ns() // 1_000_000 + 25 * 3_600_000
    path = _file(tmp_path / "a", _line("u", NOON), _line("u", tomorrow))
    assert run(["replay", path]) == 1
    assert "refuse 1 as future, the first of them line 2" in capsys.readouterr().err
    assert _published(migrated, 0) == []


def test_old_lines_in_order_of_time_are_not_late(migrated: Settings, tmp_path: Path) -> None:
    path = _file(tmp_path / "a", *(_line("u", NOON + day * DAY_MS) for day in range(-40, 0)))
    assert run(["replay", path]) == 0
    assert len(_published(migrated, 40)) == 40


def test_what_waits_in_the_topic_moves_the_watermark(
    migrated: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", _file(tmp_path / "new", _line("u", NOON))]) == 0
    assert run(["replay", _file(tmp_path / "old", _line("u", NOON - 4 * DAY_MS))]) == 1
    assert "1 as late" in capsys.readouterr().err
    assert len(_published(migrated, 1)) == 1


def test_what_the_worker_folded_moves_the_watermark(
    migrated: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _publish_watermark(migrated, partition_of(b"u", migrated.partitions), NOON // DAY_MS)
    path = _file(tmp_path / "a", _line("u", NOON - 4 * DAY_MS))
    assert run(["replay", path]) == 1
    assert "1 as late" in capsys.readouterr().err
    other = next(f"v{n}" for n in range(99) if partition_of(b"v%d" % n, 4) != partition_of(b"u", 4))
    assert run(["replay", _file(tmp_path / "b", _line(other, NOON - 4 * DAY_MS))]) == 0


def test_without_clickhouse_the_topic_alone_tells_the_watermark(
    migrated: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", _file(tmp_path / "new", _line("u", NOON))]) == 0
    monkeypatch.setenv("RETENTION_CLICKHOUSE_URL", f"http://{NOWHERE}")
    assert run(["replay", _file(tmp_path / "old", _line("u", NOON - 4 * DAY_MS))]) == 1
    assert "1 as late" in capsys.readouterr().err
    assert run(["replay", _file(tmp_path / "next", _line("u", NOON + DAY_MS))]) == 0
    assert len(_published(migrated, 2)) == 2


def test_standard_input_is_checked_and_published(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [_line("u", NOON, number) for number in range(3)]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n".join(lines))))
    assert run(["replay", "-"]) == 0
    assert "published 3 messages" in capsys.readouterr().err
    assert [one.value for one in _published(migrated, 3)] == lines


@pytest.mark.usefixtures("settings")
def test_a_missing_topic_is_named_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--allow-late"]):
        assert run(["replay", *options, _file(tmp_path / "a", _line("u", NOON))]) == 1
        assert "topic mp.events is missing: run 'retention migrate'" in capsys.readouterr().err


def test_a_broker_that_is_away_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETENTION_KAFKA_BOOTSTRAP", NOWHERE)
    assert run(["replay", _file(tmp_path / "a", _line("u", NOON))]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"retention: Kafka at {NOWHERE} does not answer")
    assert error.count("\n") == 1


def _publish_watermark(settings: Settings, partition: int, day: int) -> None:
    """The row by which a worker says that it folded something of ``day`` and everything there is."""
    values = {"epoch": settings.epoch, "topic": "mp.events", "partition": partition, "watermark": day, "at_end": True}
    batch = RowBatch()
    batch.add("progress", [values.get(column, 0) for column in TABLES["progress"].columns])

    async def write() -> None:
        sink = clickhouse_sink(settings)
        await sink.write(batch)
        await sink.close()

    asyncio.run(write())
