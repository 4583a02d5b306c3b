"""ClickHouse away, overloaded, silent or losing its answers: rows wait, and none is lost or counted twice."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from schemas.errors import Terminal, Transient
from schemas.tables import RowBatch
from sinks.client import Client, connect, named_errors
from sinks.migrate import migrate
from sinks.retry import Backoff
from sinks.upsert import ClickHouseSink
from tests.integration.sinks.gateway import LOSE_ANSWER, Gateway, Silence
from tests.ports import reserve_port

QUICK = Backoff(first=0.01, cap=0.05)


@pytest.fixture
def port() -> int:
    return reserve_port()


@pytest.fixture
async def sink(client: Client, port: int) -> AsyncIterator[ClickHouseSink]:
    """A sink that reaches ClickHouse through ``port`` only."""
    sink = ClickHouseSink(f"http://127.0.0.1:{port}", "default", "", str(client.database), QUICK)
    yield sink
    await sink.close()


def batch(users: int, version: int = 1) -> RowBatch:
    """A flush of two tables."""
    rows = RowBatch()
    rows.add("cells", (1, "new_daily", "shop", 19_782, 0, "", "", 0, users, version))
    rows.add("progress", (1, "mp.events", 0, version, 19_782, False, 1, 1, 0, 0, 0, 0, 0, version))
    return rows


def stored(client: Client) -> list[tuple[int, int]]:
    cells = client.query("SELECT sum(users), count() FROM cells FINAL").result_rows
    return [(int(users), int(count)) for users, count in cells]


async def until_away(sink: ClickHouseSink) -> None:
    async with asyncio.timeout(30):
        while not sink.state.reason.startswith("ClickHouse at"):
            await asyncio.sleep(0.01)


async def test_rows_wait_for_a_server_that_starts_later(
    sink: ClickHouseSink, client: Client, url: str, port: int
) -> None:
    writing = [asyncio.create_task(sink.write(batch(5, version))) for version in (1, 2, 3)]
    await until_away(sink)
    assert not any(task.done() for task in writing)
    assert not sink.state.available
    assert "refused" in sink.state.reason
    async with Gateway(url, port):
        await asyncio.gather(*writing)
        assert stored(client) == [(5, 1)]
    assert client.query("SELECT count() FROM progress FINAL").result_rows == [(1,)]


async def test_a_server_killed_in_mid_write_comes_back_with_every_row(tmp_path: Path) -> None:
    with EmbeddedClickHouse(tmp_path, reserve_port()) as server:
        client = connect(server.url, "default", "", "retention")
        migrate(client, 1)
        sink = ClickHouseSink(server.url, "default", "", "retention", QUICK)
        await sink.write(batch(1, version=1))
        writing = [asyncio.create_task(sink.write(batch(version, version))) for version in range(2, 10)]
        os.kill(server.pid, signal.SIGKILL)
        await asyncio.to_thread(server.stop)
        last = asyncio.create_task(sink.write(batch(10, version=10)))
        await until_away(sink)
        await asyncio.to_thread(server.start)
        await asyncio.gather(*writing, last)
        assert stored(client) == [(10, 1)]
        await sink.close()
        client.close()


async def test_a_server_that_goes_and_comes_back_is_told_once_each_way(
    sink: ClickHouseSink, client: Client, url: str, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with Gateway(url, port):
        await sink.write(batch(1))
    before = datetime.now(UTC)
    assert sink.state.available and sink.state.since <= before
    writing = [asyncio.create_task(sink.write(batch(users, users))) for users in (2, 3)]
    await until_away(sink)
    assert sink.state.since >= before
    await asyncio.sleep(0.5)
    async with Gateway(url, port):
        await asyncio.gather(*writing)
    assert sink.state.available
    assert sink.state.reason == ""
    told = [(record.levelname, record.name) for record in caplog.records if record.name != "aiohttp.access"]
    assert told == [("WARNING", "sinks.retry"), ("INFO", "sinks.retry")]
    assert stored(client) == [(3, 1)]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_busy_server_is_asked_again(
    sink: ClickHouseSink, client: Client, url: str, port: int, status: int
) -> None:
    async with Gateway(url, port) as gateway:
        gateway.answers.extend([status] * 3)
        await sink.write(batch(5))
        # Three refusals and one insert per table.
        assert gateway.inserts == 5
    assert stored(client) == [(5, 1)]


async def test_an_insert_whose_answer_was_lost_counts_once(
    sink: ClickHouseSink, client: Client, url: str, port: int
) -> None:
    async with Gateway(url, port) as gateway:
        gateway.answers.extend([LOSE_ANSWER] * 4)
        await sink.write(batch(5))
        # Each lost answer was that of an insert that had happened.
        assert gateway.stored == gateway.inserts == 6
    assert stored(client) == [(5, 1)]


@pytest.mark.parametrize(("status", "way_out"), [(401, "PASSWORD"), (403, "PASSWORD"), (404, "CLICKHOUSE_URL")])
async def test_a_refusal_that_will_not_pass_is_terminal(
    sink: ClickHouseSink, url: str, port: int, status: int, way_out: str
) -> None:
    async with Gateway(url, port) as gateway:
        gateway.answers.append(status)
        with pytest.raises(Terminal, match=way_out):
            await sink.write(batch(5))


async def test_a_write_to_an_absent_server_can_be_cancelled(sink: ClickHouseSink) -> None:
    writing = asyncio.create_task(sink.write(batch(5)))
    await until_away(sink)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing


async def test_a_write_to_a_silent_server_can_be_cancelled(sink: ClickHouseSink, port: int) -> None:
    async with Silence(port):
        writing = asyncio.create_task(sink.write(batch(5)))
        await asyncio.sleep(0.2)
        assert not writing.done()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing


def test_connecting_to_an_absent_server_is_transient(port: int) -> None:
    with pytest.raises(Transient, match=rf"http://127\.0\.0\.1:{port}: Connection refused"):
        connect(f"http://127.0.0.1:{port}", "default", "", "retention")


@pytest.mark.parametrize("url", ["127.0.0.1:8123", "clickhouse://host", "http://", ""])
def test_a_url_of_another_form_is_terminal(url: str) -> None:
    with pytest.raises(Terminal, match="http://HOST:PORT"):
        connect(url, "default", "", "retention")


def test_a_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(Terminal) as refused:
        connect("http://user:secret@host:8123", "default", "", "retention")
    assert "secret" not in str(refused.value)


def test_a_statement_with_an_error_is_terminal_in_one_line(client: Client) -> None:
    with pytest.raises(Terminal, match="Syntax error") as refused, named_errors(client.uri):
        client.command("SELEC 1")
    assert "\n" not in str(refused.value)
