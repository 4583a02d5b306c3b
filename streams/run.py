"""Runs a worker until it is told to stop or cannot go on."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from typing import Final

from aiokafka.errors import KafkaError

from schemas.errors import Terminal
from streams.app import RetentionApp
from streams.web import serve

__all__ = ["run_worker"]

_log = logging.getLogger(__name__)
_LOOK_S: Final = 0.1
#: How long a worker that is told to stop waits for the last flush, and then for leaving the group.
_GRACE_S: Final = 10.0
#: After this the process ends whatever its libraries still wait for.
_LONGEST_STOP_S: Final = 25.0
#: Allocations before a search for cycles, and how many of these before a wider one.
_COLLECT_AFTER: Final = (100_000, 20, 50)


def run_worker(app: RetentionApp) -> None:
    """Run until SIGTERM or SIGINT, then finish the flush, commit and leave the group.

    Raises ``Terminal`` with the reason when the worker cannot go on: the process must exit non-zero, so that whatever
    runs it starts another.
    """
    asyncio.run(_run(app))


async def _run(app: RetentionApp) -> None:
    stop = asyncio.Event()
    # The states of users have no cycles; looking for some among them, again and again, would take a tenth of the time.
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    settings = app.stream_settings
    try:
        async with serve(settings.web_host, settings.web_port, app.health.troubles, app.worker.metrics):
            working, told = loop.create_task(_work(app)), loop.create_task(stop.wait())
            await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
            _end_after(_LONGEST_STOP_S, 1, "not stopped, ending now; what was not delivered will be read again")
            if working.done():
                await working
            elif app.worker.owned:
                await _finish(app)
            # The consumer goes first from now on: no flush may begin that would ask it for anything.
            app.worker.revoke()
            for task in (working, told):
                task.cancel()
    finally:
        # Nothing is folded that was not delivered or given up: what is left to do is to tell the group.
        reason = app.crash_reason if app.crashed else sys.exc_info()[1]
        because = f", because it cannot go on: {reason}" if reason else ""
        _end_after(_GRACE_S, 1 if reason else 0, f"leaving without telling Kafka, which does not answer{because}")
        await app.stop()
        await app.sink.close()
    if app.crashed:
        reason = app.crash_reason
        raise Terminal(f"the worker cannot go on: {reason}") from reason


def _end_after(seconds: float, status: int, why: str) -> None:
    """End the process with ``status`` unless it has ended by then.

    Consumer and producer wait in threads of their own for a broker that is silent, without an end, and Faust waits for
    them, cancelled or not.
    """

    def end() -> None:
        _log.warning("worker: %s (after %.0f s)", why, seconds)
        os._exit(status)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


async def _work(app: RetentionApp) -> None:
    """Start, and return when the app has crashed or must be given up."""
    try:
        await app.start()
    except KafkaError as error:
        where = app.stream_settings.bootstrap
        raise Terminal(
            f"Kafka at {where} stopped answering while the worker started ({error!r}): start both"
        ) from error
    watching = asyncio.create_task(app.health.watch())
    try:
        while not (app.crashed or watching.done()):
            await asyncio.sleep(_LOOK_S)
        if watching.done():
            await app.crash(watching.exception() or Terminal("the watch has ended"))
    finally:
        watching.cancel()


async def _finish(app: RetentionApp) -> None:
    """Deliver and acknowledge what is folded. What is away is not waited for: the events will be read again."""
    _log.info("worker: stopping")
    flush = asyncio.create_task(app.worker.flush())
    for _ in range(int(_GRACE_S / _LOOK_S)):
        await asyncio.wait([flush], timeout=_LOOK_S)
        if flush.done() or app.health.away():
            break
    if flush.done():
        await flush
        await app.consumer.commit()
    else:
        flush.cancel()
        _log.warning("worker: leaving without a last flush, the events will be read again: %s", app.health.away())
