"""Hand-made rows for tests of the views, written through the real sink."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from schemas.tables import RowBatch
from sinks.client import Client
from sinks.upsert import ClickHouseSink

EPOCH_DAY = date(1970, 1, 1)


def days(day: date) -> int:
    """Days since 1970-01-01, as rows carry dates."""
    return (day - EPOCH_DAY).days


def mask(last: date, *active: date) -> int:
    """The bit set whose bit i is ``last - i``."""
    return sum(1 << (last - day).days for day in active)


class World:
    """Collects rows of one app, writes them, and asks views about them."""

    def __init__(self, client: Client, sink: ClickHouseSink) -> None:
        self.client = client
        self._sink = sink
        self._batch = RowBatch()

    def app(
        self,
        app_id: str = "shop",
        *,
        lateness: int = 3,
        milestones: Sequence[int] = (3, 7, 14),
        epoch: int = 1,
    ) -> None:
        self._batch.add("apps", (epoch, app_id, "Asia/Shanghai", 0, lateness, list(milestones), 1))

    def cell(
        self,
        family: str,
        start: date,
        n: int,
        users: int,
        *,
        app_id: str = "shop",
        partition: int = 0,
        segment: str = "",
        value: str = "",
        epoch: int = 1,
        version: int = 1,
    ) -> None:
        self._batch.add("cells", (epoch, family, app_id, days(start), n, segment, value, partition, users, version))

    def cells(self, family: str, start: date, users: dict[int, int], **rest: Any) -> None:
        """One cohort: users per offset."""
        for n, count in users.items():
            self.cell(family, start, n, count, **rest)

    def progress(
        self,
        watermark: date | None,
        *,
        partition: int = 0,
        topic: str = "mp.events",
        at_end: bool = False,
        offset: int = 1,
        counters: Sequence[int] = (0, 0, 0, 0, 0, 0, 0),
        epoch: int = 1,
        version: int = 1,
    ) -> None:
        day = None if watermark is None else days(watermark)
        self._batch.add("progress", (epoch, topic, partition, offset, day, at_end, *counters, version))

    def user(
        self,
        user_id: str,
        active: Sequence[date],
        check_ins: Sequence[date] = (),
        *,
        app_id: str = "shop",
        longest: int = 1,
        longest_check_in: int = 0,
        epoch: int = 1,
        version: int = 1,
        **attributes: str,
    ) -> None:
        """A user with these days; runs and masks are worked out from them."""
        last, started = max(active), run_start(active)
        last_check_in = max(check_ins, default=None)
        names = ("scene", "platform", "app_version", "channel", "campaign", "variant", "city", "district", "inviter_id")
        assert attributes.keys() <= set(names)
        self._batch.add(
            "users",
            (
                epoch,
                app_id,
                user_id,
                0,
                days(min(active)),
                days(last),
                mask(last, *(day for day in active if (last - day).days < 32)),
                days(started),
                longest,
                None if last_check_in is None else days(last_check_in),
                0 if last_check_in is None else mask(last_check_in, *check_ins),
                None if last_check_in is None else days(run_start(check_ins)),
                longest_check_in,
                *(attributes.get(name, "") for name in names),
                version,
            ),
        )

    def refuse(self, offset: int, raw: bytes, *, key: bytes = b"", epoch: int = 1, at_ms: int = 0) -> None:
        self._batch.add("refused", (epoch, "mp.events", 0, offset, "invalid", "not JSON", key, raw, at_ms, offset))

    def write(self) -> None:
        """Write what was collected since the last write."""
        batch, self._batch = self._batch, RowBatch()
        asyncio.run(self._sink.write(batch))

    def rows(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.client.query(query, parameters=parameters).result_rows]


def run_start(active: Sequence[date]) -> date:
    """First day of the run that ends on the last of ``active``."""
    day = max(active)
    while day - timedelta(days=1) in active:
        day -= timedelta(days=1)
    return day
