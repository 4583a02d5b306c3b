"""Blocking work beside an event loop: its result, its error, and not waiting for it."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from sinks.threads import in_daemon_thread


async def test_the_result_comes_back_from_another_thread() -> None:
    assert await in_daemon_thread(threading.get_ident) != threading.get_ident()


async def test_an_error_comes_back_as_it_was_raised() -> None:
    error = KeyError("no such thing")

    def work() -> None:
        raise error

    with pytest.raises(KeyError) as raised:
        await in_daemon_thread(work)
    assert raised.value is error


async def test_the_loop_goes_on_meanwhile() -> None:
    release = threading.Event()
    working = asyncio.create_task(in_daemon_thread(lambda: release.wait(30)))
    await asyncio.sleep(0)
    assert not working.done()
    release.set()
    assert await working


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_call_returns_at_once_and_drops_what_comes_of_it(fails: bool) -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        try:
            release.wait(30)
            if fails:
                raise ValueError("nobody listens")
        finally:
            ended.set()

    waiting = asyncio.create_task(in_daemon_thread(work))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not ended.is_set()
    release.set()
    assert ended.wait(30)
    await asyncio.sleep(0.05)


def test_work_that_never_ends_does_not_hold_up_the_end_of_the_process() -> None:
    program = (
        "import asyncio, threading\n"
        "from sinks.threads import in_daemon_thread\n"
        "async def main():\n"
        "    task = asyncio.create_task(in_daemon_thread(threading.Event().wait))\n"
        "    await asyncio.sleep(0.1)\n"
        "    task.cancel()\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_work_that_outlives_its_loop_ends_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    release = threading.Event()

    async def start() -> None:
        task = asyncio.create_task(in_daemon_thread(lambda: release.wait(30)))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(start())
    release.set()
    deadline = time.monotonic() + 30
    while any(thread.name == "clickhouse" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert capsys.readouterr().err == ""
