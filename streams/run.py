"""Runs a worker until it is told to stop or cannot go on."""

import asyncio
import logging
import signal

from schemas.errors import Terminal
from streams.app import RetentionApp
from streams.web import serve

__all__ = ["run_worker"]

_log = logging.getLogger(__name__)
_LOOK_S = 0.1


def run_worker(app: RetentionApp) -> None:
    """Run until SIGTERM or SIGINT, then finish the flush, commit and leave the group.

    Raises ``Terminal`` with the reason when the worker cannot go on: the process must exit non-zero, so that whatever
    runs it starts another.
    """
    asyncio.run(_run(app))


async def _run(app: RetentionApp) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    settings = app.stream_settings
    try:
        async with serve(settings.web_host, settings.web_port, app.health.troubles):
            await app.start()
            watching = loop.create_task(app.health.watch())
            while not (stop.is_set() or app.crashed or watching.done()):
                await asyncio.sleep(_LOOK_S)
            if watching.done():
                await app.crash(watching.exception() or Terminal("the watch has ended"))
            watching.cancel()
            if not app.crashed:
                await _finish(app)
    finally:
        await app.stop()
        await app.sink.close()
    if app.crashed:
        reason = app.crash_reason
        raise Terminal(f"the worker cannot go on: {reason}") from reason


async def _finish(app: RetentionApp) -> None:
    """Deliver and acknowledge what is folded. A sink that is away is not waited for: the events will be read again."""
    _log.info("worker: stopping")
    flush = asyncio.create_task(app.worker.flush())
    while not flush.done():
        if app.sink.trouble is not None:
            flush.cancel()
            _log.warning("worker: leaving without a last flush, the events will be read again: %s", app.sink.trouble)
            return
        await asyncio.wait([flush], timeout=_LOOK_S)
    await flush
    await app.consumer.commit()
