"""What the messages of a history say, counted the slow and obvious way."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from deploy.traffic import Expected, Message
from deploy.traffic.clock import day_of


def instant(event: dict[str, Any]) -> int:
    """Event time in ms."""
    ts = event["ts"]
    return ts if isinstance(ts, int) else round(datetime.fromisoformat(ts).timestamp() * 1000)


class Life:
    """Days, check-ins and first visit of every user, from the messages that count."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.days: defaultdict[str, set[int]] = defaultdict(set)
        self.check_ins: defaultdict[str, set[int]] = defaultdict(set)
        self.first: dict[str, tuple[int, dict[str, Any]]] = {}
        self.expected: defaultdict[Expected, int] = defaultdict(int)
        self.keyless = 0
        for message in messages:
            self.expected[message.expected] += 1
            self.keyless += message.key is None
            if message.expected is Expected.ACCEPTED:
                self._count(json.loads(message.value))

    @property
    def messages(self) -> int:
        return sum(self.expected.values())

    def first_day(self, user: str) -> int:
        return day_of(self.first[user][0])

    def retention(self, n: int, last_day: int, chosen: Callable[[str], bool] = lambda user: True) -> float:
        """Pooled rate of day ``n`` over the cohorts for which it has come by ``last_day``."""
        cohort = [user for user in self.first if self.first_day(user) + n <= last_day and chosen(user)]
        return sum(self.first_day(user) + n in self.days[user] for user in cohort) / len(cohort)

    def channel(self, user: str) -> str:
        return str(self.first[user][1]["channel"])

    def _count(self, event: dict[str, Any]) -> None:
        if event["event"] == "message_sent":
            return
        user, ts = event["user_id"], instant(event)
        self.days[user].add(day_of(ts))
        if user not in self.first or ts < self.first[user][0]:
            self.first[user] = (ts, event)
        if event["event"] == "check_in":
            for_day = event.get("for_day")
            filled = day_of(ts) if for_day is None else (date.fromisoformat(for_day) - date(1970, 1, 1)).days
            self.check_ins[user].add(filled)
