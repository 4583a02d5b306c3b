"""What a million users cost: memory and changelog while they come, and the time to recover them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.settings import Settings
from schemas.topics import changelog
from streams.codec import is_user
from tests.bench.attempts import free_ports
from tests.bench.filling import publish_all
from tests.bench.launching import ContenderFailed, Launched
from tests.bench.pipeline import accepted, is_ready, launch_worker
from tests.bench.processes import cpu_seconds, resident_bytes, wait_until_quiet
from tests.bench.stage import Stage
from tests.bench.workload import DAY_MS, START_MS, Visits

__all__ = ["SCENARIOS", "Figures", "slope"]

Figures = dict[str, float | str]

_PER_USER: Final = 2
#: From half of the users on: before that, memory fills which does not grow afterwards (decoded users, buffers).
_STEPS: Final = (0.5, 0.75, 1.0)
_DEADLINE_S: Final = 300.0
_MOST_WAIT_S: Final = 30.0
_MIB: Final = 2**20
#: Of each start the shorter one counts: joining a group takes longer at times.
_TRIES: Final = 2
_MARGIN_S: Final = 2.0


class _Started(NamedTuple):
    """Seconds from process start to owned, CPU seconds and resident MiB by then."""

    seconds: float
    cpu: float
    mib: float


def state(stage: Stage, users: int) -> Figures:
    """Memory of one worker as users come, all on one day with two events each, and what the changelog then holds."""
    port = free_ports(1)[0]
    settings = stage.settings.model_copy(update={"web_port": port})
    resident: dict[int, int] = {}
    with _worker(stage, settings) as worker:
        _wait(lambda: is_ready(port), worker)
        first = 0
        for step in (int(users * share) for share in _STEPS):
            publish_all(stage.settings, _one_day(first, step), step, first * _PER_USER)
            _wait(lambda: accepted(stage, settings.epoch) >= step * _PER_USER, worker)  # noqa: B023 (called in this round)
            wait_until_quiet([worker.process.pid], _MOST_WAIT_S)
            resident[step] = resident_bytes(worker.process.pid)
            first = step
    figures: Figures = {f"MiB at {count:,} users": size / _MIB for count, size in resident.items()}
    figures["bytes of memory per user"] = slope(resident)
    return figures | asyncio.run(_record_sizes(settings))


def recovery(stage: Stage, users: int) -> Figures:
    """Seconds until a worker owns its partitions, with their cells rebuilt, from a changelog of so many users."""
    port = free_ports(1)[0]
    settings = stage.settings.model_copy(update={"web_port": port})
    nothing = min(_start(stage, settings) for _ in range(_TRIES))
    publish_all(stage.settings, _one_day(0, users), users)
    with _worker(stage, settings) as worker:
        _wait(lambda: accepted(stage, settings.epoch) >= users * _PER_USER, worker)
        wait_until_quiet([worker.process.pid], _MOST_WAIT_S)
    full = min(_start(stage, settings) for _ in range(_TRIES))
    recovered = full.seconds - nothing.seconds
    return {
        "users": users,
        "seconds from process start to owned, empty changelog": nothing.seconds,
        "seconds from process start to owned": full.seconds,
        "seconds of recovery (difference)": recovered,
        "users recovered per second": users / recovered,
        "CPU seconds to owned": full.cpu,
        "MiB when owned": full.mib,
    }


SCENARIOS: Final[dict[str, Callable[[Stage, int], Figures]]] = {"state": state, "recovery": recovery}


def slope(sizes: dict[int, int]) -> float:
    """Bytes per user: the straight line through the ``sizes`` in bytes by number of users."""
    return float(np.polynomial.polynomial.polyfit(list(sizes), list(sizes.values()), 1)[1])


def _one_day(first: int, end: int) -> Visits:
    """Two events of each of the users from ``first`` to before ``end``, at random times of the first day, in order."""
    chance = np.random.default_rng(end)
    users = np.tile(np.arange(first, end), _PER_USER)
    at_ms = START_MS + chance.integers(0, DAY_MS, len(users))
    order = np.argsort(at_ms, kind="stable")
    return Visits(users[order], at_ms[order])


@contextmanager
def _worker(stage: Stage, settings: Settings) -> Iterator[Launched]:
    launched = launch_worker(stage, settings)
    try:
        yield launched
    finally:
        launched.stop()


def _wait(done: Callable[[], bool], worker: Launched, every_s: float = 0.2) -> None:
    end = time.monotonic() + _DEADLINE_S
    while not done():
        worker.check()
        if time.monotonic() > end:
            raise ContenderFailed(f"not done after {_DEADLINE_S:.0f} s")
        time.sleep(every_s)


def _start(stage: Stage, settings: Settings) -> _Started:
    # Until the last member of the group has timed out, the group waits for it, and that is no recovery.
    time.sleep(settings.session_timeout_s + _MARGIN_S)
    stage.settle()
    begin = time.monotonic()
    with _worker(stage, settings) as worker:
        _wait(lambda: is_ready(settings.web_port), worker, every_s=0.05)
        pid = worker.process.pid
        return _Started(time.monotonic() - begin, cpu_seconds([pid]), resident_bytes(pid) / _MIB)


async def _record_sizes(settings: Settings) -> Figures:
    """Mean sizes of the user records in the first partition of the changelog, all versions of a user's record."""
    partition = TopicPartition(changelog(settings.app_id).name, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()
    keys = values = count = position = 0
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        while position < end:
            for record in (await consumer.getmany(timeout_ms=500)).get(partition, ()):
                position = record.offset + 1
                if is_user(record.key):
                    keys, values, count = keys + len(record.key), values + len(record.value), count + 1
    finally:
        await consumer.stop()
    return {
        "changelog records read": count,
        "bytes of a changelog record, key and value": (keys + values) / count,
        "bytes of its value": values / count,
    }
