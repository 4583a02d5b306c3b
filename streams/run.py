"""Runs a worker until it is told to stop or cannot go on."""

import asyncio
import logging
import signal

from schemas.errors import Terminal
from streams.app import RetentionApp

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
    try:
        await app.start()
        while not stop.is_set() and not app.crashed:
            await asyncio.sleep(_LOOK_S)
        if not app.crashed:
            _log.info("worker: stopping")
            await app.worker.flush()
            await app.consumer.commit()
    finally:
        await app.stop()
        await app.sink.close()
    if app.crashed:
        reason = app.crash_reason
        raise Terminal(f"the worker cannot go on: {reason}") from reason
