"""Blocking calls beside an event loop, in threads that nobody has to wait for.

The threads of an executor are joined when Python exits, so a server that accepts a request and never answers would
hold up the end of the process for as long as the request may take. A daemon thread ends with it.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

__all__ = ["in_daemon_thread"]

_Result = TypeVar("_Result")


async def in_daemon_thread(work: Callable[[], _Result]) -> _Result:
    """Await ``work()``, run in a thread of its own.

    When cancelled, it returns at once and leaves ``work`` to itself: its result or error goes nowhere.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[_Result] = loop.create_future()

    def succeed(result: _Result) -> None:
        if not outcome.done():
            outcome.set_result(result)

    def fail(error: BaseException) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    def run() -> None:
        # The loop is closed when its program has ended meanwhile.
        with suppress(RuntimeError):
            try:
                result = work()
            except BaseException as error:  # handed to the caller, whatever it is
                loop.call_soon_threadsafe(fail, error)
            else:
                loop.call_soon_threadsafe(succeed, result)

    threading.Thread(target=run, name="clickhouse", daemon=True).start()
    return await outcome
