"""Soak the whole pipeline in faults, and hold every view against brute force again and again.

    python -m tests.chaos [--seconds N] [--seed N] [--broker embedded|apache] [--workers N] [--events N] [--folder DIR]

The seed decides the data, the settings and the order of faults; their timing is the machine's. Brute force takes
longer the longer the history, so the soak runs in generations, each with a fresh broker, a fresh ClickHouse and its own
stream. Ends with status 1 when anything differed. The folder of such a generation is kept, and that of one in which a
worker ended as nobody expected.
"""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.chaos.generation import Generation
from tests.chaos.tally import Tally

__all__ = ["main"]


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


async def _soak(options: argparse.Namespace, tally: Tally) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    began = time.monotonic()
    generation = 0
    try:
        while time.monotonic() < began + options.seconds:
            generation += 1
            folder = options.folder / f"seed-{options.seed}-generation-{generation}"
            run = Generation(
                options.seed, generation, options.broker, options.workers, options.events, folder, tally, _say
            )
            if await run.run(began + options.seconds) and not run.surprised:
                shutil.rmtree(folder)
    finally:
        tally.seconds = time.monotonic() - began


def main() -> int:
    """Run the soak and print the summary; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Soak the pipeline in faults.")
    parser.add_argument("--seconds", type=float, default=300, help="how long, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker", choices=("embedded", "apache"), default="embedded")
    parser.add_argument("--workers", type=int, default=2, help="worker processes at a time")
    parser.add_argument("--events", type=int, default=60_000, help="most messages of a generation")
    parser.add_argument("--folder", type=Path, default=None, help="for data, logs and evidence")
    options = parser.parse_args()
    options.folder = options.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    tally = Tally()
    for library in ("aiokafka", "kafka"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # a broker that is killed is no news here
    try:
        with suppress(asyncio.CancelledError):
            asyncio.run(_soak(options, tally))
    finally:
        print(f"\nseed {options.seed}, {options.workers} workers, {options.broker} broker\n{tally.table()}", flush=True)
    return 1 if tally.counts["difference"] else 0


if __name__ == "__main__":
    sys.exit(main())
