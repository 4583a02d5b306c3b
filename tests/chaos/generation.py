"""One generation: fresh services, a bounded stream, faults, and a comparison whenever everything has come to rest."""

import asyncio
import base64
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.migrating import migrate_all
from deploy.settings import Settings
from schemas.topics import changelog
from tests.chaos.faults import Faults
from tests.chaos.feeder import Feeder
from tests.chaos.fleet import Fleet
from tests.chaos.services import BrokerKind, Services, running_services
from tests.chaos.snapshot import Snapshot
from tests.chaos.stream import Plan, plan
from tests.chaos.tally import Tally
from tests.oracle.compare import Difference, Kind, report
from tests.oracle.dataset import CATALOG

__all__ = ["Generation"]

#: How long workers may take to catch up when every fault is undone, before that counts as a difference.
_CATCH_UP_S: Final = 180.0
#: How long the last flushes may take until they show: what differs for longer differs.
_SHOW_S: Final = 30.0
#: Of the differences that are printed: so many of each view, and so much of each. All of them are in a file.
_FIRST: Final = 3
_WIDTH: Final = 200
_LOOK_S: Final = 0.5
_AGAIN_S: Final = 2.0


@dataclass(slots=True)
class Generation:
    """Generation ``number`` of a soak; ``folder`` takes its data, logs and evidence."""

    seed: int
    number: int
    kind: BrokerKind
    workers: int
    most: int
    folder: Path
    tally: Tally
    say: Callable[[str], None]
    #: Whether a worker ended as nobody expected.
    surprised: bool = field(default=False, init=False)

    async def run(self, until: float) -> bool:
        """Run until the stream ends, or about ``until`` on the monotonic clock; whether everything was equal."""
        self.folder.mkdir(parents=True, exist_ok=True)
        planned = plan(self.seed, self.number, self.most)
        async with running_services(self.kind, self.folder, self._chance("proxy")) as services:
            settings = Settings(
                kafka_bootstrap=services.bootstrap,
                clickhouse_url=services.proxy.url,
                partitions=planned.partitions,
                apps=CATALOG,
                flush_interval_s=planned.flush_interval_s,
                session_timeout_s=6,
            )
            await asyncio.to_thread(migrate_all, settings)
            await asyncio.to_thread(services.topics_exist)
            return await self._run(planned, services, settings, until)

    async def _run(self, planned: Plan, services: Services, settings: Settings, until: float) -> bool:
        chance = self._chance("phases")
        fleet = Fleet(settings, self.folder, self.workers, self.tally)
        watch = asyncio.create_task(fleet.watch())
        feeder = Feeder(services.bootstrap, planned.messages, planned.events_per_second, self.tally)
        faults = Faults(
            fleet,
            services,
            feeder=feeder,
            tally=self.tally,
            chance=self._chance("faults"),
            log=self.folder / "faults.log",
        )
        snapshot = Snapshot(settings, services.clickhouse.url)
        try:
            while not feeder.finished and time.monotonic() < until:
                faults.begin()
                await feeder.feed(min(chance.uniform(45, 90), max(10.0, until - time.monotonic())))
                await faults.cease()
                if not await self._compare(snapshot, settings):
                    return False
            return True
        finally:
            watch.cancel()
            faults.abandon()
            self.tally.counts["assignment taken over"] += fleet.assignments()
            fleet.close()
            self.surprised = bool(fleet.surprises)
            for surprise in fleet.surprises[:_FIRST]:
                self.say(f"  surprise: {surprise}")
            if len(fleet.surprises) > _FIRST:
                self.say(f"  … and {len(fleet.surprises) - _FIRST} more surprises")

    async def _compare(self, snapshot: Snapshot, settings: Settings) -> bool:
        began = time.monotonic()
        behind = await self._catch_up(snapshot)
        caught_up = time.monotonic() - began
        self.tally.slowest_settling_s = max(self.tally.slowest_settling_s, caught_up)
        found = behind or await asyncio.to_thread(snapshot.compare)
        shown = time.monotonic()
        while found and not behind and time.monotonic() < shown + _SHOW_S:
            await asyncio.sleep(_AGAIN_S)
            await snapshot.read()
            found = await asyncio.to_thread(snapshot.compare)
        self.tally.counts["comparison"] += 1
        self.tally.counts["difference"] += len(found)
        messages = sum(snapshot.ends().values())
        self.say(
            f"generation {self.number}: {messages:,} messages on {settings.partitions} partitions, caught up in "
            f"{caught_up:.1f} s, {len(found)} differences"
        )
        if found:
            await self._keep(found, snapshot, settings)
        return not found

    async def _catch_up(self, snapshot: Snapshot) -> list[Difference]:
        """Wait until everything that stands in the input topics is folded; what is not, in the end."""
        end = time.monotonic() + _CATCH_UP_S
        await snapshot.read()
        while True:
            ends, progress = snapshot.ends(), await asyncio.to_thread(snapshot.progress)
            behind = {place: offset for place, offset in ends.items() if progress.get(place, 0) < offset}
            # Folding may have forwarded messages: it is over when nothing new has come meanwhile.
            if not behind and not await snapshot.read():
                return []
            if time.monotonic() > end:
                return [
                    Difference("progress", Kind.VALUE, place, "offset", offset, progress.get(place))
                    for place, offset in behind.items()
                ]
            await asyncio.sleep(_LOOK_S)

    async def _keep(self, found: list[Difference], snapshot: Snapshot, settings: Settings) -> None:
        """Write down what differs and what stands in the topics; logs and ClickHouse's data are there already."""
        shown = (line[:_WIDTH] for line in report(found, _FIRST).splitlines())
        self.say("\n  ".join((*shown, f"evidence in {self.folder}")))
        (self.folder / "differences.txt").write_text("\n".join(str(one) for one in found), encoding="utf-8")
        records = [record for of_place in snapshot.records.values() for record in of_place]
        records += await snapshot.everything_of(changelog(settings.app_id).name)
        with (self.folder / "records.ndjson").open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(_plain(record)) + "\n" for record in records)

    def _chance(self, part: str) -> random.Random:
        return random.Random(f"{part} {self.seed} {self.number}")


def _plain(record: Any) -> dict[str, Any]:
    """A record as JSON: bytes as base64."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": None if record.key is None else base64.b64encode(record.key).decode(),
        "value": None if record.value is None else base64.b64encode(record.value).decode(),
        "headers": [[name, value.decode()] for name, value in record.headers],
    }
