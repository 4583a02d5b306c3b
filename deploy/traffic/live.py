"""Traffic of the present: the population of a history goes on visiting, and new users trickle in."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Final

from deploy.traffic.clock import MINUTE_MS, SECOND_MS, day_of
from deploy.traffic.days import check_ins, version_on
from deploy.traffic.network import Message, Network
from deploy.traffic.population import Population, User, visitors
from deploy.traffic.sessions import MEAN_EVENTS, TimedEvent, arrival_entry, return_entry, visit

__all__ = ["live"]

_CHANCE_NEWCOMER: Final = 0.05
_LATE_AFTER_MS: Final = MINUTE_MS


def live(seed: int, rate_per_s: float, start_ms: int, population: Population) -> Iterator[Message]:
    """Messages without end, in order of arrival, beginning at ``start_ms``.

    The caller paces: it hands a message on when its clock reaches ``timestamp_ms``. The users who visit on a day are
    those whom the population sends on that day; a rate above their need makes them visit more often, so retention
    stays believable at any rate. The rate is met once the first visits have ended, a minute or so after the start.

    Args:
        seed: of the visits; the population has its own.
        rate_per_s: messages per second, on average.
        start_ms: time of the first visit, ms since the epoch.
        population: of the history that went before; it is not changed.

    Raises:
        ValueError: when ``rate_per_s`` is not above 0.
    """
    if not rate_per_s > 0:
        raise ValueError(f"the rate of live traffic must be above 0 messages a second, not {rate_per_s}")
    return _messages(Random(f"{seed}/live/{start_ms}"), rate_per_s, start_ms, population)


def _messages(rng: Random, rate_per_s: float, start_ms: int, population: Population) -> Iterator[Message]:
    crowd = _Crowd(rng, population)
    network = Network(rng, late_from_ms=start_ms + _LATE_AFTER_MS)
    order = count()
    under_way: list[tuple[int, int, Message]] = []
    mean_pause_ms = SECOND_MS * MEAN_EVENTS / rate_per_s
    now = float(start_ms)
    while True:
        user, events = crowd.visit(int(now))
        for message in network.deliver(user, events):
            heappush(under_way, (message.timestamp_ms, next(order), message))
        now += rng.expovariate(1 / mean_pause_ms)
        while under_way and under_way[0][0] <= now:
            yield heappop(under_way)[2]


class _Crowd:
    """Who visits now: the day's visitors from the population, and users who were never here."""

    def __init__(self, rng: Random, population: Population) -> None:
        self._rng = rng
        self._population = population
        self._users = list(population.users)
        self._day = -1
        self._visitors: list[User] = []
        self._yesterday: set[int] = set()
        self._checked_in: set[int] = set()

    def visit(self, now: int) -> tuple[User, list[TimedEvent]]:
        """Someone's visit that begins at ``now``."""
        day = day_of(now)
        if day != self._day:
            self._begin(day)
        rng = self._rng
        if not self._visitors or rng.random() < _CHANCE_NEWCOMER:
            user = self._population.draw(len(self._users), day)
            self._users.append(user)
            self._visitors.append(user)
            entry = arrival_entry(rng, user)
        else:
            user = rng.choice(self._visitors)
            entry = return_entry(rng)
        days: tuple[int | None, ...] = ()
        if user.index not in self._checked_in:
            days = check_ins(rng, user, day, came_yesterday=self._came_yesterday(user))
            if days:
                self._checked_in.add(user.index)
        return user, visit(rng, user, now, entry, version=version_on(self._population, user, day), check_in_days=days)

    def _came_yesterday(self, user: User) -> bool:
        return user.index in self._yesterday or user.first_day == self._day - 1

    def _begin(self, day: int) -> None:
        seed = self._population.seed
        self._day = day
        self._visitors = visitors(self._users, seed, day)
        self._yesterday = {user.index for user in visitors(self._users, seed, day - 1)}
        self._checked_in = set()
