"""The past of the mini-program, message by message in the order in which the broker received them."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from operator import attrgetter
from random import Random

from deploy.traffic.clock import DAY_MS, day_of, day_start
from deploy.traffic.days import day_of_user
from deploy.traffic.network import Message, Network
from deploy.traffic.population import DEFAULT_APP_ID, Population, visitors

__all__ = ["History"]

_arrival = attrgetter("timestamp_ms")


class History:
    """A mini-program that opened ``days`` ago: iterate for its messages, as often as needed.

    The traffic is drawn to look like a healthy leisure app: of all new users 15 to 25 % return on the day after and 5
    to 10 % on day 7, much less after an advertisement and much more for those who keep the app in their pull-down
    list. Weekends are busier. From ``release_date`` on new users retain better; ``campaign_date`` brings a burst of
    advertised users who do not. With the defaults there are about 650 000 messages of some 230 bytes.

    Attributes:
        population: the users, for ``live`` to go on with.
        start_ms: no message arrives before it.
        end_ms: no message arrives after it.
    """

    def __init__(
        self, seed: int, days: int = 60, users: int = 20_000, *, end_ms: int, app_id: str = DEFAULT_APP_ID
    ) -> None:
        """Draw the population; messages are made while iterating.

        Args:
            seed: same seed and arguments, same bytes.
            days: local days of history; the last is the day of ``end_ms``, up to that instant.
            users: how many arrive in that time.
            end_ms: end of the history, ms since the epoch.
            app_id: app that all events carry.

        Raises:
            ValueError: when ``days`` or ``users`` is below 1.
        """
        self.population = Population(seed, days, users, end_ms, app_id)
        self.start_ms = day_start(self.population.first_day)
        self.end_ms = end_ms

    @property
    def release_date(self) -> date:
        """First cohort that met the better release."""
        return self.population.release_date

    @property
    def campaign_date(self) -> date:
        """The cohort that holds the campaign's users."""
        return self.population.campaign_date

    def __iter__(self) -> Iterator[Message]:
        """Yield the messages in order of arrival."""
        population = self.population
        # Messages wait here, by the day on which they arrive: never before the day of their event.
        waiting: defaultdict[int, list[Message]] = defaultdict(list)
        yesterday: set[int] = set()
        for day in range(population.first_day, population.last_day + 1):
            rng = Random(f"{population.seed}/day/{day}")
            network = Network(rng, late_from_ms=self.start_ms + DAY_MS)
            today = [*visitors(population.users, population.seed, day), *population.newcomers(day)]
            for user in today:
                events = day_of_user(rng, population, user, day, came_yesterday=user.index in yesterday)
                for message in network.deliver(user, events):
                    waiting[day_of(message.timestamp_ms)].append(message)
            yesterday = {user.index for user in today}
            arrived = waiting.pop(day, [])
            arrived.sort(key=_arrival)
            for message in arrived:
                if message.timestamp_ms > self.end_ms:
                    return
                yield message
