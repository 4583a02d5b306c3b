"""The faults, each a coroutine that does its harm and undoes it, and the seeded choice among them."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tests.chaos.feeder import Feeder
from tests.chaos.fleet import Fleet, Worker
from tests.chaos.proxy import Mood
from tests.chaos.services import Services
from tests.chaos.tally import Tally

__all__ = ["Faults"]

_MOODS: Final = (Mood.SLOW, Mood.REFUSE, Mood.FULL, Mood.CUT, Mood.LOSE, Mood.LATE, None)
#: At most this many workers beyond the usual ones.
_EXTRA: Final = 1

_Fault = Callable[[], Awaitable[None]]


class Faults:
    """Starts a fault every few seconds, whether the last one is over or not, until told to stop."""

    def __init__(
        self, fleet: Fleet, services: Services, *, feeder: Feeder, tally: Tally, chance: random.Random, log: Path
    ) -> None:
        self._fleet = fleet
        self._services = services
        self._feeder = feeder
        self._tally = tally
        self._chance = chance
        self._log = log
        self._size = len(fleet.workers)
        self._session_s = 6.0
        self._sink = asyncio.Lock()
        self._broker = asyncio.Lock()
        #: Faults of the services so far: a worker may wait for them before it ends.
        self._troubles = 0
        self._starter: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._weights: dict[_Fault, int] = {
            self.kill: 5,
            self.kill_all: 1,
            self.stop: 3,
            self.join_and_leave: 2,
            self.zombie: 3,
            self.freeze: 2,
            self.disturb_sink: 5,
            self.outage: 2,
            self.lose_flush: 4,
            self.burst: 2,
            self.crash_broker if services.broker_survives else self.stall_broker: 2,
        }

    def begin(self) -> None:
        """Start to start faults."""
        self._starter = asyncio.create_task(self._rage())

    async def _rage(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 6.0))
            (fault,) = self._chance.choices(list(self._weights), list(self._weights.values()))
            self._running.add(asyncio.create_task(self._run(fault)))

    async def cease(self) -> None:
        """Start no more, and wait until every fault has undone what it did; raises what one of them raised."""
        self._stop_starting()
        while self._running:
            done, self._running = self._running, set()
            await asyncio.gather(*done)
        await self._services.proxy.quiet()

    def abandon(self) -> None:
        """Let every fault be, undone or not: the services end."""
        self._stop_starting()
        for task in self._running:
            task.cancel()

    def _stop_starting(self) -> None:
        if self._starter is not None:
            self._starter.cancel()

    async def _run(self, fault: _Fault) -> None:
        name = getattr(fault, "__name__", "?")
        self._note(f"{name} begins")
        await fault()
        self._note(f"{name} is over")

    def _note(self, text: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%H:%M:%S')}.{int(time.time() * 1000) % 1000:03} {text}\n")

    async def kill(self) -> None:
        """Kill -9, then a new worker at once or a little later."""
        if await self._kill(1):
            await asyncio.sleep(self._chance.choice((0.0, self._chance.uniform(0, 10))))
            self._fleet.start()

    async def kill_all(self) -> None:
        """The power goes off for all workers at once."""
        for _ in range(await self._kill(self._size + _EXTRA)):
            self._fleet.start()

    async def _kill(self, most: int) -> int:
        """Kill at most so many; how many it were."""
        picked = [worker for _ in range(most) if (worker := self._fleet.pick(self._chance)) is not None]
        await asyncio.gather(*(self._fleet.kill(worker) for worker in picked))
        return len(picked)

    async def stop(self) -> None:
        """A deployment: SIGTERM, the last flush, the next worker."""
        worker = self._fleet.pick(self._chance)
        if worker is not None:
            await self._stop(worker)
            self._fleet.start()

    async def _stop(self, worker: Worker) -> None:
        before = self._troubles
        undisturbed = not (self._sink.locked() or self._broker.locked())
        status = await self._fleet.stop(worker)
        if status is None and undisturbed and before == self._troubles:
            self._fleet.surprises.append(f"{worker.log}: did not end after SIGTERM, with all services there")
        self._tally.counts["SIGTERM that was followed by SIGKILL"] += status is None

    async def join_and_leave(self) -> None:
        """One more worker for a while, which leaves in order or dies."""
        if len(self._fleet.workers) >= self._size + _EXTRA:
            return
        worker = self._fleet.start()
        self._tally.counts["worker that joined for a while"] += 1
        await asyncio.sleep(self._chance.uniform(3, 25))
        if worker in self._fleet.workers and not worker.busy:
            worker.busy = True
            await (self._fleet.kill(worker) if self._chance.random() < 0.5 else self._stop(worker))

    async def zombie(self) -> None:
        """A worker stands still until the group has given its partitions away, and then goes on as if nothing were."""
        await self._freeze("zombie", self._session_s + self._chance.uniform(1, 10))

    async def freeze(self) -> None:
        """A worker stands still for less than the session timeout."""
        await self._freeze("worker frozen for a moment", self._chance.uniform(0.5, self._session_s - 1.5))

    async def _freeze(self, name: str, seconds: float) -> None:
        worker = self._fleet.pick(self._chance)
        if worker is not None:
            worker.send(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            worker.send(signal.SIGCONT)
            worker.busy = False
            self._tally.counts[name] += 1

    async def disturb_sink(self) -> None:
        """The way to ClickHouse is bad in one manner or in all of them by turns."""
        async with self._sink:
            self._troubles += 1
            proxy = self._services.proxy
            mood = self._chance.choice(_MOODS)
            before, proxy.mood = proxy.disturbed, mood
            await asyncio.sleep(self._chance.uniform(2, 12))
            proxy.mood = Mood.PASS
            self._tally.counts[f"ClickHouse proxy {'does all of it' if mood is None else mood}"] += 1
            self._tally.counts["request disturbed"] += proxy.disturbed - before

    async def outage(self) -> None:
        """ClickHouse is stopped or dies, and comes back with its data."""
        async with self._sink:
            self._troubles += 1
            crash = self._chance.random() < 0.5
            await self._services.stop_clickhouse(self._chance.uniform(0, 12), crash=crash)
            self._tally.counts[f"ClickHouse {'kill -9' if crash else 'stopped'}"] += 1

    async def lose_flush(self) -> None:
        """Rows are in ClickHouse, their worker dies before it hears so: the changelog does not have their users."""
        async with self._sink:
            self._troubles += 1
            proxy = self._services.proxy
            proxy.mood = Mood.WITHHOLD
            end = time.monotonic() + 8
            while not proxy.withheld and time.monotonic() < end:
                await asyncio.sleep(0.05)
            await asyncio.sleep(self._chance.uniform(0, 0.5))
            lost = proxy.withheld > 0
            killed = await self._kill(self._chance.choice((1, self._size + _EXTRA)))
            proxy.mood = Mood.PASS
            self._tally.counts["kill -9 between sink and changelog"] += killed if lost else 0
        for _ in range(killed):
            self._fleet.start()

    async def burst(self) -> None:
        """Many events at once."""
        await self._feeder.burst(self._chance.randint(5, 15), self._chance.uniform(1, 4))
        self._tally.counts["burst"] += 1

    async def crash_broker(self) -> None:
        """The broker dies and comes back."""
        async with self._broker:
            self._troubles += 1
            await self._services.crash_broker(self._chance.uniform(0, 8))
            self._tally.counts["broker kill -9"] += 1

    async def stall_broker(self) -> None:
        """The broker stands still for a while."""
        async with self._broker:
            self._troubles += 1
            await self._services.stall_broker(self._chance.uniform(1, 9))
            self._tally.counts["broker frozen"] += 1
