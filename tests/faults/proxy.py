"""The soak's HTTP proxy in a thread of its own, for tests that are not coroutines."""

import asyncio
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

from tests.chaos.proxy import Mood, Proxy

__all__ = ["Mood", "ThreadedProxy", "running_proxy"]

_START_S: Final = 10.0
#: A request that is executed late waits for up to 20 s.
_QUIET_S: Final = 40.0


class ThreadedProxy:
    """Passes requests on to ClickHouse in the present ``mood``."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop
        self.url = proxy.url

    @property
    def disturbed(self) -> int:
        """Requests that something was done to."""
        return self._proxy.disturbed

    def feel(self, mood: Mood | None) -> None:
        """Treat requests so from now on; ``None`` is a new mood for each."""
        self._proxy.mood = mood

    def quiet(self) -> None:
        """Pass everything, and wait for what is still to be executed."""
        asyncio.run_coroutine_threadsafe(self._proxy.quiet(), self._loop).result(_QUIET_S)


@contextmanager
def running_proxy(upstream: str, seed: int) -> Iterator[ThreadedProxy]:
    """A proxy before ``upstream``; ``seed`` decides on its delays and refusals."""
    started: Future[ThreadedProxy] = Future()
    stop = asyncio.Event()

    async def serve() -> None:
        async with Proxy(upstream, random.Random(seed)) as proxy:
            started.set_result(ThreadedProxy(proxy, asyncio.get_running_loop()))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=run, name="proxy")
    thread.start()
    try:
        proxy = started.result(_START_S)
        yield proxy
        proxy.quiet()
    finally:
        if started.done() and started.exception() is None:
            started.result()._loop.call_soon_threadsafe(stop.set)
        thread.join()
