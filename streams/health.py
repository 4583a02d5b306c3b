"""Whether the worker can do its work, and why not: for ``/readyz``, for the log, and for giving up.

A service that is away is waited for: the worker is not ready, and resumes by itself. A consumer that has died silently
is not waited for: Kafka has messages, nothing holds the worker up, and yet nothing is read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.errors import Terminal
from streams.sink import Sink
from streams.worker import Worker

__all__ = ["Health"]

_log = logging.getLogger(__name__)
_PROBE_EVERY_S: Final = 5.0
_PROBE_TIMEOUT_S: Final = 5.0
#: A consumer that has messages to read and reads none for so long is taken for dead.
_STALLED_S: Final = 120.0
#: A new leader may report an end that is too low for a moment; a topic that was made anew does so for good.
_BEYOND_S: Final = 30.0


class Health:
    """Watches the broker and the worker's progress."""

    def __init__(
        self,
        worker: Worker,
        sink: Sink,
        probe: Callable[[], Awaitable[object]],
        end_of: Callable[[TP], int | None],
        recovered: Callable[[], int | None],
    ) -> None:
        """Watch ``worker`` and ``sink``.

        ``probe`` asks the broker something and raises when it does not answer; ``end_of`` gives known ends;
        ``recovered`` counts what recoveries have read, ``None`` when no partition is assigned.
        """
        self._worker = worker
        self._sink = sink
        self._probe = probe
        self._end_of = end_of
        self._recovered = recovered
        self._broker_trouble: str | None = None
        self._stalled_s = self._beyond_s = self._idle_s = 0.0
        self._last_seen: dict[TP, int] = {}
        self._last_recovered: int | None = None

    def troubles(self) -> list[str]:
        """Why the worker is not ready; empty when it is."""
        found = self.away()
        if not self._worker.owned:
            found.append("no partitions: waiting for the group, or recovering")
        return found

    def away(self) -> list[str]:
        """Which services do not answer, and why."""
        return [trouble for trouble in (self._broker_trouble, self._sink.trouble) if trouble]

    async def watch(self) -> None:
        """Probe until cancelled. Raises ``Terminal`` when the consumer has died."""
        while True:
            await asyncio.sleep(_PROBE_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Probe once."""
        try:
            await asyncio.wait_for(self._probe(), _PROBE_TIMEOUT_S)
        except (KafkaError, OSError, TimeoutError) as error:
            if self._broker_trouble is None:
                _log.warning("kafka: the broker does not answer (%r); waiting for it", error)
            self._broker_trouble = f"Kafka does not answer: {error!r}"
            self._stalled_s = self._beyond_s = self._idle_s = 0.0
            return
        if self._broker_trouble is not None:
            _log.info("kafka: the broker answers again")
            self._broker_trouble = None
        self._notice_dead_recovery()
        await self._notice_stall()
        self._notice_lost_ground()

    def _notice_dead_recovery(self) -> None:
        """Faust's recovery may end without a word: partitions are assigned, and nothing of them is read any more."""
        recovered = self._recovered()
        if self._worker.owned or recovered is None or recovered != self._last_recovered:
            self._last_recovered, self._idle_s = recovered, 0.0
            return
        self._idle_s += _PROBE_EVERY_S
        if self._idle_s >= _STALLED_S:
            raise Terminal(f"the recovery has read nothing for {self._idle_s:.0f} s and has not ended: restart")

    async def _notice_stall(self) -> None:
        seen = self._worker.positions()
        waits = self._worker.is_blocked or not await self._worker.is_behind()
        if waits or seen != self._last_seen:
            self._last_seen, self._stalled_s = seen, 0.0
            return
        self._stalled_s += _PROBE_EVERY_S
        if self._stalled_s >= _STALLED_S:
            raise Terminal(f"the consumer has read nothing for {self._stalled_s:.0f} s although messages wait: restart")

    def _notice_lost_ground(self) -> None:
        """A topic that ends before what has been folded was deleted and made anew: its messages look folded already."""
        beyond = [
            f"{tp.topic}-{tp.partition} ends at {end}, but {offset} were folded"
            for tp, offset in self._worker.positions().items()
            if (end := self._end_of(tp)) is not None and end < offset
        ]
        self._beyond_s = self._beyond_s + _PROBE_EVERY_S if beyond else 0.0
        if self._beyond_s >= _BEYOND_S:
            raise Terminal(f"{beyond[0]}: the topic was made anew; go on with a new epoch (RETENTION_EPOCH)")
