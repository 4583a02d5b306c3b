"""A rebalance that begins while partitions are still being recovered."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP

from schemas.tables import RowBatch
from streams.changelog import KafkaWriter
from streams.codec import encode_key, encode_user
from streams.core.state import UserState
from streams.settings import StreamSettings
from streams.table import UsersTable
from streams.worker import Worker


class Discard:
    """A sink for what no test here looks at."""

    trouble = None

    async def write(self, batch: RowBatch) -> None:
        raise AssertionError("nothing is flushed here")

    async def close(self) -> None:
        """Nothing to close."""


class Still:
    """A consumer that reads nothing."""

    generation = 1
    fetched = 0

    def era(self, _tp: TP) -> int:
        return 0

    def fetched_to(self, _tp: TP) -> int:
        return self.fetched

    async def go_to(self, positions: Mapping[TP, int]) -> None:
        raise AssertionError("nothing is read here")

    async def prove_ownership(self, _positions: Mapping[TP, int], _generation: int) -> bool:
        return True

    async def at_end(self, _tp: TP, _next_offset: int) -> bool:
        return True


def new_worker() -> Worker:
    writer = KafkaWriter(lambda: cast("Any", None), "changelog", 1)
    return Worker(StreamSettings(bootstrap="", app_id="test"), Discard(), writer, Still())


def recovered(users: dict[int, int]) -> UsersTable:
    """The records of so many users per partition, as far as recovery looks at the table."""
    records: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
    for partition, count in users.items():
        for number in range(count):
            records[partition][encode_key("app", f"u{number}")] = encode_user(UserState())
    return cast("UsersTable", SimpleNamespace(records=records))


def test_an_overtaken_recovery_gives_up() -> None:
    async def race() -> frozenset[int]:
        worker = new_worker()
        slow = asyncio.create_task(worker.recover(recovered({0: 3_000, 1: 3_000}), {0, 1}))
        await asyncio.sleep(0)
        await worker.recover(recovered({0: 1}), {0})
        await slow
        return worker.owned

    assert asyncio.run(race()) == {0}


def test_a_revocation_during_recovery_leaves_nothing_owned() -> None:
    async def race() -> frozenset[int]:
        worker = new_worker()
        slow = asyncio.create_task(worker.recover(recovered({0: 3_000}), {0}))
        await asyncio.sleep(0)
        worker.revoke()
        await slow
        return worker.owned

    assert asyncio.run(race()) == frozenset()
