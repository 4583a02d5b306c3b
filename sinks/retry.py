"""Trying again, for as long as it takes, while a service is away.

A caller waits meanwhile, which is the back-pressure: nothing is acknowledged and nothing more is read.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from schemas.errors import Transient

__all__ = ["Availability", "Backoff", "Retrier"]

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts, in seconds: they grow by ``factor`` from ``first`` to ``cap``.

    Each is shortened by a random part of up to ``jitter``, so that many workers do not return in step.
    """

    first: float = 0.1
    factor: float = 2.0
    cap: float = 5.0
    jitter: float = 0.5

    def pause(self, failures: int, chance: float) -> float:
        """Seconds to wait after ``failures`` failures in a row (at least 1); ``chance`` is in [0, 1)."""
        # The exponent is bounded because a float overflows after a thousand doublings.
        grown = min(self.cap, self.first * self.factor ** min(failures - 1, 64))
        return grown * (1 - self.jitter * chance)


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether the service answers, since when (UTC), and why it does not."""

    available: bool
    since: datetime
    reason: str = ""


class Retrier:
    """Runs attempts against one service until they succeed, and knows whether the service is there.

    It logs once when the service goes away and once when it is back, however many callers are waiting.
    """

    def __init__(self, service: str, backoff: Backoff | None = None) -> None:
        """``service`` is the name that log lines use."""
        self._service = service
        self._backoff = backoff or Backoff()
        self._waiting = 0
        self._announced = False
        self._state = Availability(False, datetime.now(UTC), "not contacted yet")

    @property
    def state(self) -> Availability:
        """For a readiness page: false until the first success, and while any caller is waiting."""
        return self._state

    async def run(self, attempt: Callable[[], Awaitable[_Result]]) -> _Result:
        """Await ``attempt()`` until it does not raise ``Transient``; every other error passes through.

        It may be cancelled at any time.
        """
        failures = 0
        try:
            while True:
                try:
                    result = await attempt()
                    break
                except Transient as error:
                    failures += 1
                    if failures == 1:
                        self._waiting += 1
                    self._away(str(error))
                await asyncio.sleep(self._backoff.pause(failures, random.random()))
        finally:
            if failures:
                self._waiting -= 1
        if not self._waiting and not self._state.available:
            self._back()
        return result

    def _away(self, reason: str) -> None:
        since = self._state.since if self._announced else datetime.now(UTC)
        self._state = Availability(False, since, reason)
        if not self._announced:
            self._announced = True
            _log.warning("%s; rows wait until it is back", reason)

    def _back(self) -> None:
        now = datetime.now(UTC)
        if self._announced:
            self._announced = False
            _log.info("%s is back after %.1f s", self._service, (now - self._state.since).total_seconds())
        self._state = Availability(True, now)
