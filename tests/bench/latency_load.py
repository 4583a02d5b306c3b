"""The load of the latency benchmark: sessions at a steady rate, and marker users in apps of their own.

    python -m tests.bench.latency_load RATE SECONDS LOG   (settings from RETENTION_…)

A session is ten events, one every 20 seconds, so at 5 000 events/s there are 100 000 at a time. Every 25th event is a
marker: the first event of a new user of app ``probe-P``, where P is the user's partition. Within a partition messages
become visible in their order, so the k-th user of ``probe-P`` that the view counts is the k-th marker of that log.

Each message carries as its Kafka timestamp the time at which it was due: a publisher that falls behind makes the
latency longer, never shorter. LOG gets the due times of the markers by app as JSON.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from deploy.publisher import Publisher
from deploy.settings import Settings, load_settings
from schemas.topics import EVENTS
from streams.partitioner import Partitioner

__all__ = ["MARKER_EVERY", "SESSION_STEP_S", "probe"]

SESSION_STEP_S: Final = 20
_EVENTS_PER_SESSION: Final = 10
MARKER_EVERY: Final = 25
_TICK_S: Final = 0.02


def probe(partition: int) -> str:
    """The app of the markers in ``partition``."""
    return f"probe-{partition}"


def _session_user(number: int, slots: int) -> str:
    """Event ``number`` goes to slot ``number % slots``; a slot's user changes after ten events, slots out of step."""
    turn, slot = divmod(number, slots)
    return f"o{slot:09d}{(turn + slot) // _EVENTS_PER_SESSION:017d}"


def _body(number: int, app_id: str, user_id: str, at_ms: int) -> bytes:
    return json.dumps(
        {
            "event_id": f"{number:032x}",
            "app_id": app_id,
            "user_id": user_id,
            "event": "page_view",
            "ts": at_ms,
            "scene": 1001,
            "platform": "ios",
            "page": "pages/index/index",
            "duration_ms": 1234,
        }
    ).encode()


async def _publish(settings: Settings, rate: float, seconds: float, markers: dict[str, list[float]]) -> None:
    home = Partitioner(settings.partitions)
    slots = max(1, int(rate * SESSION_STEP_S))
    async with Publisher(settings, EVENTS.name) as publisher:
        began, number, total = time.time(), 0, int(rate * seconds)
        while number < total:
            while number < total and (due := began + number / rate) <= time.time():
                if number % MARKER_EVERY:
                    user_id, app_id = _session_user(number, slots), "wx1234567890abcdef"
                else:
                    user_id = f"m{number:026d}"
                    app_id = probe(home(user_id))
                    markers[app_id].append(due)
                at_ms = int(due * 1000)
                await publisher.publish(user_id.encode(), _body(number, app_id, user_id, at_ms), at_ms)
                number += 1
            await publisher.flush()
            await asyncio.sleep(_TICK_S)


def main(rate: float, seconds: float, log: Path) -> None:
    """Publish for ``seconds``, then write ``log``."""
    markers: defaultdict[str, list[float]] = defaultdict(list)
    asyncio.run(_publish(load_settings(), rate, seconds, markers))
    log.write_text(json.dumps(markers))


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
