"""``retention worker`` that kills or stops itself at a named point, or whose clock jumps. Run as a module.

    FAULT_POINT=sink-written FAULT_HIT=3 python -m tests.faults.worker_main
    FAULT_POINT=sink-written FAULT_HIT=3 FAULT_SIGNAL=SIGSTOP python -m tests.faults.worker_main
    CLOCK_JUMPS=7 python -m tests.faults.worker_main

The points wrap stages of the production code from outside, which knows nothing of them. The process sends itself
SIGKILL, or the signal named, when the stage of the point has been passed for the n-th time. ``CLOCK_JUMPS`` is the seed
of the jumps.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from deploy.cli import main
from sinks.upsert import ClickHouseSink
from streams.changelog import KafkaWriter
from streams.partition import Partition
from streams.table import UsersTable
from streams.transport import BatchConsumer
from streams.worker import Worker

__all__ = ["CLOCK_JUMPS", "FAULT_HIT", "FAULT_POINT", "FAULT_SIGNAL", "FLUSH_POINTS", "POINTS", "PROGRAM"]

PROGRAM: Final = ("-m", "tests.faults.worker_main")
FAULT_POINT: Final = "FAULT_POINT"
FAULT_HIT: Final = "FAULT_HIT"
FAULT_SIGNAL: Final = "FAULT_SIGNAL"
CLOCK_JUMPS: Final = "CLOCK_JUMPS"

#: The stages of a flush in the order in which a worker passes them.
FLUSH_POINTS: Final[dict[str, tuple[type, str]]] = {
    "flush-taken": (Partition, "take_flush"),
    "flush-point-written": (KafkaWriter, "flush_point"),
    "ownership-proven": (BatchConsumer, "prove_ownership"),
    "dead-letters-written": (KafkaWriter, "dead_letters"),
    "rekeyed-written": (KafkaWriter, "rekey"),
    "one-table-written": (ClickHouseSink, "_insert"),
    "sink-written": (ClickHouseSink, "write"),
    "changelog-under-way": (KafkaWriter, "_send"),
    "changelog-written": (KafkaWriter, "changelog"),
    "progress-written": (KafkaWriter, "progress"),
    "acknowledged": (BatchConsumer, "_new_offset"),
}
#: The same, and before them the stages of a worker's start and of the fold.
POINTS: Final[dict[str, tuple[type, str]]] = {
    "changelog-record-read": (UsersTable, "apply"),
    "changelog-fetch-read": (UsersTable, "take_in"),
    "users-rebuilt": (Partition, "_count"),
    "partition-rebuilt": (Partition, "recover"),
    "folded": (Worker, "take"),
    **FLUSH_POINTS,
}
for _owner, _name in POINTS.values():
    # A stage that has another name by now must not turn into a point that is never passed.
    if not callable(getattr(_owner, _name, None)):
        raise AttributeError(f"{_owner.__qualname__}.{_name} is a point of faults, but there is no such method")

#: Jumps go back as far as they like; a broker refuses records that are an hour ahead of its own clock.
_FARTHEST_BACK_S: Final = 400 * 86_400.0
_FARTHEST_AHEAD_S: Final = 3000.0
_JUMP_EVERY_S: Final = 0.5


def _fail_at(point: str, hit: int, number: signal.Signals) -> None:
    """Let this process get signal ``number`` when it has passed ``point`` for the ``hit``-th time."""
    owner, name = POINTS[point]
    stage: Callable[..., Any] = getattr(owner, name)
    passed = 0

    def count() -> None:
        nonlocal passed
        passed += 1
        if passed == hit:
            os.kill(os.getpid(), number)

    if asyncio.iscoroutinefunction(stage):

        @wraps(stage)
        async def wrapped(*arguments: Any, **options: Any) -> Any:
            result = await stage(*arguments, **options)
            count()
            return result
    else:

        @wraps(stage)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            result = stage(*arguments, **options)
            count()
            return result

    setattr(owner, name, wrapped)


def _let_the_clock_jump(seed: int) -> None:
    """Let ``time.time`` be wrong by another amount twice a second; the monotonic clock is as always."""
    right = time.time
    start = time.monotonic()

    def wrong() -> float:
        chance = random.Random(seed * 1_000_003 + int((time.monotonic() - start) / _JUMP_EVERY_S))
        return right() + chance.uniform(*chance.choice(((-_FARTHEST_BACK_S, 0.0), (0.0, _FARTHEST_AHEAD_S))))

    time.time = wrong


if __name__ == "__main__":
    if FAULT_POINT in os.environ:
        number = signal.Signals[os.environ.get(FAULT_SIGNAL, "SIGKILL")]
        _fail_at(os.environ[FAULT_POINT], int(os.environ[FAULT_HIT]), number)
    if CLOCK_JUMPS in os.environ:
        _let_the_clock_jump(int(os.environ[CLOCK_JUMPS]))
    sys.argv = ["retention", "worker"]
    sys.exit(main())
