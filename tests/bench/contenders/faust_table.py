"""Faust as one writes it first: an agent that takes one event at a time and writes its user's state to a table.

It validates and folds exactly as the pipeline does, with the pipeline's own code, but keeps no retention cells in
ClickHouse. Runs in the project's environment.
"""

import asyncio

import faust

from schemas.apps import AppCatalog, AppSettings
from schemas.validator import EventValidator
from streams.codec import decode_user, encode_key, encode_user
from streams.core.app_fold import AppFold
from streams.core.state import UserState
from tests.bench.contenders.arguments import Arguments, parse
from tests.bench.contenders.tally import Tally

_MOST_BYTES = 262_144


def build(arguments: Arguments, tally: Tally) -> faust.App:
    """The app with its table and its agent."""
    app = faust.App(
        arguments.group,
        broker=f"kafka://{arguments.bootstrap}",
        store="memory://",
        topic_partitions=arguments.partitions,
        topic_disable_leader=True,
        datadir=arguments.folder,
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        broker_session_timeout=8.0,
        broker_heartbeat_interval=1.0,
        broker_rebalance_timeout=8.0,
    )
    users = app.Table("users", partitions=arguments.partitions, key_type=bytes, value_type=bytes)
    validator = EventValidator(AppCatalog(), _MOST_BYTES)
    folds: dict[str, AppFold] = {}

    @app.agent(app.topic(arguments.topic, key_serializer="raw", value_serializer="raw"))
    async def fold(stream: faust.StreamT[bytes]) -> None:
        async for value in stream:
            (event,) = validator.validate([value])
            assert not isinstance(event, Exception)
            app_fold = folds.setdefault(event["app_id"], AppFold(event["app_id"], AppSettings()))
            key = encode_key(event["app_id"], event["user_id"])
            record = users.get(key)
            user = UserState() if record is None else decode_user(record)
            app_fold.apply(user, event, app_fold.calendar.local_day(event["ts"]))
            users[key] = encode_user(user)
            tally.count += 1

    return app


async def main() -> None:
    """Run until killed."""
    tally = Tally()
    await build(parse(), tally).start()
    tally.begin()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
