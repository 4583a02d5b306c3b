"""The topic that every contender reads: sessions of page views, about 20 events per user-day, in time order."""

import asyncio
import json
import random
from collections.abc import Iterator

from deploy.publisher import Publisher
from deploy.settings import Settings
from schemas.topics import EVENTS

__all__ = ["fill_topic"]

_DAY_MS = 86_400_000
_START_MS = 1_700_006_400_000
_SESSIONS, _EVENTS_PER_SESSION = 2, 10
_SESSION_STEP_MS = 20_000


def _events(count: int, users: int) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(1)
    made = 0
    for day in range(10_000):
        sessions = [
            (chance.randrange(_DAY_MS - 600_000), user)
            for user in range(users)
            if chance.random() < 0.5
            for _ in range(_SESSIONS)
        ]
        visits = sorted(
            (begin + step * _SESSION_STEP_MS, user) for begin, user in sessions for step in range(_EVENTS_PER_SESSION)
        )
        for at_ms, user in visits:
            if made == count:
                return
            user_id = f"oABCD{user:022d}"
            event = {
                "event_id": f"{made:032x}",
                "app_id": "wx1234567890abcdef",
                "user_id": user_id,
                "event": "page_view",
                "ts": _START_MS + day * _DAY_MS + at_ms,
                "scene": 1001,
                "platform": "ios",
                "page": "pages/index/index",
                "duration_ms": 1234,
            }
            yield user_id, json.dumps(event).encode()
            made += 1


def fill_topic(settings: Settings, count: int, users: int) -> None:
    """Publish ``count`` events of ``users`` users, half of whom come on any day."""

    async def publish() -> None:
        async with Publisher(settings, EVENTS.name) as publisher:
            for user_id, value in _events(count, users):
                await publisher.publish(user_id.encode(), value)

    asyncio.run(publish())
