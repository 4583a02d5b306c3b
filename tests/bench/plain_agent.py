"""What one writes first with Faust: an agent that takes one event at a time and writes its user's state to a table.

It validates and folds exactly as the pipeline does, but keeps no retention cells in ClickHouse. Prints how many events
it has folded, twice a second.

    python -m tests.bench.plain_agent BOOTSTRAP PARTITIONS
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import faust

from schemas.apps import AppCatalog, AppSettings
from schemas.event import EventValidator
from schemas.topics import EVENTS
from streams.codec import decode_user, encode_key, encode_user
from streams.core.app_fold import AppFold
from streams.core.state import UserState


def main(bootstrap: str, partitions: int) -> None:
    """Run until killed."""
    app = faust.App(
        f"plain-{int(time.time())}",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_partitions=partitions,
        topic_disable_leader=True,
        datadir=Path(tempfile.mkdtemp()),
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        broker_session_timeout=8.0,
        broker_heartbeat_interval=1.0,
        broker_rebalance_timeout=8.0,
    )
    users = app.Table("users", partitions=partitions, key_type=bytes, value_type=bytes)
    validator = EventValidator(AppCatalog(), 262_144)
    folds: dict[str, AppFold] = {}
    folded = 0

    @app.agent(app.topic(EVENTS.name, key_serializer="raw", value_serializer="raw"))
    async def fold(stream: faust.StreamT[bytes]) -> None:
        nonlocal folded
        async for value in stream:
            (event,) = validator.validate([value])
            assert not isinstance(event, Exception)
            app_fold = folds.setdefault(event["app_id"], AppFold(event["app_id"], AppSettings()))
            key = encode_key(event["app_id"], event["user_id"])
            record = users.get(key)
            user = UserState() if record is None else decode_user(record)
            app_fold.apply(user, event, app_fold.calendar.local_day(event["ts"]))
            users[key] = encode_user(user)
            folded += 1

    async def report() -> None:
        print(folded, time.monotonic(), flush=True)

    app.timer(0.5)(report)

    async def run() -> None:
        await app.start()
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
