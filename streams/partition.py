"""One owned partition number: its working state over the recovered records, and the snapshot that a flush delivers."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from schemas.apps import AppCatalog
from schemas.dead_letter import DeadLetter
from schemas.tables import RowBatch
from schemas.topics import EVENTS, REKEYED
from streams.codec import (
    PROGRESS_KEY,
    decode_key,
    decode_progress,
    decode_user,
    encode_key,
    encode_progress,
    encode_user,
)
from streams.core.app_fold import AppFold
from streams.core.days import NO_DAY
from streams.core.partition_fold import PartitionFold, Rekeyed
from streams.core.progress import Progress
from streams.core.state import UserState
from streams.core.totals import close_cells, oldest_change, rebuild, settle, snapshot, unsettle
from streams.rows import RowWriter

__all__ = ["Partition", "PartitionFlush"]

#: Decoded states kept per app and partition between flushes.
_HOT_USERS = 20_000
#: Users rebuilt between two turns of the event loop, so that heartbeats go on.
_REBUILD_STEP = 500


@dataclass(frozen=True, slots=True)
class PartitionFlush:
    """What one flush of a partition sends to Kafka, encoded when it was taken."""

    partition: "Partition"
    records: list[tuple[bytes, bytes]]
    progress: bytes
    dead: list[DeadLetter]
    outgoing: list[Rekeyed]


class Partition:
    """Working state of an owned partition. Made by ``recover``; dropped when the partition is revoked."""

    def __init__(
        self, number: int, epoch: int, apps: AppCatalog, records: dict[bytes, bytes], home: Callable[[str], int]
    ) -> None:
        """Continue from ``records``, the partition's changelog; ``home`` maps a user id to its partition."""
        progress = records.get(PROGRESS_KEY)
        self.number = number
        self.fold = PartitionFold(number, apps, decode_progress(progress) if progress else Progress(), self._load, home)
        self._epoch = epoch
        self._records = records
        self._open_days = apps.open_days
        self._open_from = 0
        self._published_end: dict[str, bool] = {}
        self._published_position = -1
        self._published_apps: set[str] = set()
        #: Position up to which recovered users had been folded. Until the fold has passed it, cells mix two points
        #: of time and nothing is flushed; then every open cell goes out once, so that a flush that was lost heals.
        self._recovered_to = (0, 0)
        self._whole = True

    async def recover(self) -> None:
        """Rebuild the totals of open cells and the counters from the recovered users."""
        self._open_from = self._floor(rekeyed_at_end=False)
        ahead = ahead_rekeyed = 0
        for count, (app, user) in enumerate(self._resting_users()):
            app.add_totals(user, self._open_from)
            self._count(user)
            ahead = max(ahead, user.offset + 1)
            ahead_rekeyed = max(ahead_rekeyed, user.rekeyed_offset + 1)
            if count % _REBUILD_STEP == 0:
                await asyncio.sleep(0)
        self._recovered_to = (ahead, ahead_rekeyed)

    def _resting_users(self) -> Iterator[tuple[AppFold, UserState]]:
        for key, record in self._records.items():
            if key != PROGRESS_KEY:
                app = self.fold.app(decode_key(key)[0])
                if app is not None:
                    yield app, decode_user(record)

    def _count(self, user: UserState) -> None:
        self.fold.accepted[EVENTS.name] += user.accepted
        self.fold.accepted[REKEYED.name] += user.rekeyed_accepted
        self.fold.repeated[EVENTS.name] += user.repeated
        self.fold.repeated[REKEYED.name] += user.rekeyed_repeated

    def _load(self, app_id: str, user_id: str) -> UserState | None:
        record = self._records.get(encode_key(app_id, user_id))
        return None if record is None else decode_user(record)

    def _floor(self, *, rekeyed_at_end: bool) -> int:
        """The earliest day that an expected event can still change."""
        progress = self.fold.progress
        watermark = progress.events.watermark
        if not rekeyed_at_end and progress.rekeyed.watermark != NO_DAY:
            watermark = min(watermark, progress.rekeyed.watermark)
        return max(0, watermark - self._open_days)

    def next_offset(self, topic: str) -> int:
        """The next offset of input topic ``topic`` to fold."""
        progress = self.fold.progress
        return (progress.events if topic == EVENTS.name else progress.rekeyed).next_offset

    @property
    def catching_up(self) -> bool:
        """Whether the fold is still behind what recovered users had been folded to."""
        progress = self.fold.progress
        return (
            progress.events.next_offset < self._recovered_to[0] or progress.rekeyed.next_offset < self._recovered_to[1]
        )

    def take_flush(self, batch: RowBatch, at_end: dict[str, bool]) -> PartitionFlush | None:
        """Add the rows of everything that changed to ``batch`` and give the rest; ``None`` when nothing is due.

        ``at_end`` says per input topic whether this partition is consumed to its end. What is taken must be delivered
        or the partition dropped.
        """
        fold, progress = self.fold, self.fold.progress
        if all(at_end.values()):
            self._recovered_to = (0, 0)
        if self.catching_up:
            return None
        if progress.position == self._published_position and at_end == self._published_end:
            return None
        rows = RowWriter(batch, self._epoch, self.number, progress.position)
        self._add_cells(rows, at_end)
        records = self._take_users(rows)
        for letter in fold.dead:
            rows.refused(letter)
        for topic, part in ((EVENTS.name, progress.events), (REKEYED.name, progress.rekeyed)):
            rows.progress(
                topic, part, at_end=at_end[topic], accepted=fold.accepted[topic], repeated=fold.repeated[topic]
            )
        dead, fold.dead = fold.dead, []
        outgoing, fold.outgoing = fold.outgoing, []
        self._published_end = dict(at_end)
        self._published_position = progress.position
        self._whole = False
        return PartitionFlush(self, records, encode_progress(progress), dead, outgoing)

    def _add_cells(self, rows: RowWriter, at_end: dict[str, bool]) -> None:
        self._reopen_if_needed()
        for app_id, app in self.fold.apps.items():
            if app_id not in self._published_apps:
                self._published_apps.add(app_id)
                rows.app(app)
            for group in settle(app):
                rows.cells(app_id, group)
            if self._whole:
                for group in snapshot(app):
                    rows.cells(app_id, group)
        floor = self._floor(rekeyed_at_end=at_end[REKEYED.name])
        if floor > self._open_from:
            self._open_from = floor
            for app in self.fold.apps.values():
                close_cells(app, floor)

    def _reopen_if_needed(self) -> None:
        oldest = min((day for app in self.fold.apps.values() if (day := oldest_change(app)) is not None), default=None)
        if oldest is None or oldest >= self._open_from:
            return
        self._open_from = oldest
        for app_id, app in self.fold.apps.items():
            rebuild(app, self._all_users(app_id, app), oldest)
            unsettle(app)

    def _all_users(self, app_id: str, app: AppFold) -> Iterator[UserState]:
        yield from app.users.values()
        for key, record in self._records.items():
            if key != PROGRESS_KEY:
                owner, user_id = decode_key(key)
                if owner == app_id and user_id not in app.users:
                    yield decode_user(record)

    def _take_users(self, rows: RowWriter) -> list[tuple[bytes, bytes]]:
        records = []
        for app_id, app in self.fold.apps.items():
            users = app.users
            records += [(encode_key(app_id, user), encode_user(users[user], self._open_from)) for user in app.dirty]
            for user_id in app.shown:
                rows.user(app_id, user_id, users[user_id])
            app.dirty.clear()
            app.shown.clear()
        return records

    def delivered(self, flush: PartitionFlush) -> None:
        """The flush is durable: its records are the resting state now, and users at rest may leave memory."""
        self._records.update(flush.records)
        for app in self.fold.apps.values():
            if len(app.users) > _HOT_USERS:
                app.users = {user_id: app.users[user_id] for user_id in app.dirty}
