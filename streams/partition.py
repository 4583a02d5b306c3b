"""One owned partition number: its working state over the recovered records, and the snapshot that a flush delivers.

A crash may leave rows in ClickHouse that the changelog does not know yet. The two input topics are read in any order,
so a successor could reach other states than those rows were made of, and never write over them. Therefore each flush
first writes down how far it reaches (the flush point), and a successor folds exactly up to that point, holding back
what lies beyond, and flushes there: the fold does not depend on the order, so these are the same rows again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from faust.types import TP

from schemas.dead_letter import DeadLetter
from schemas.tables import RowBatch
from schemas.topics import EVENTS, REKEYED
from schemas.validator import EventValidator
from streams.catch_up import CatchUp
from streams.codec import decode_user, encode_key, encode_user
from streams.core.app_fold import AppFold
from streams.core.partition_fold import Message, PartitionFold, Rekeyed
from streams.core.progress import Progress
from streams.core.state import UserState, forget_ids_before
from streams.core.totals import is_closed
from streams.open_cells import OpenCells
from streams.positions import (
    FLUSH_KEY,
    PROGRESS_KEY,
    FlushPoint,
    decode_flush_point,
    decode_progress,
    encode_flush_point,
    encode_progress,
)
from streams.rows import RowWriter
from streams.settings import StreamSettings
from streams.store import Records
from streams.user_columns import UserColumns

__all__ = ["Partition", "PartitionFlush"]

_log = logging.getLogger(__name__)

#: Messages that are validated and then folded: so few that the decoded events stay in the processor's cache. Over 5 000
#: at once, validation and fold together take 1.1 times as long.
_AT_ONCE: Final = 200
#: Decoded states kept in a partition between flushes.
_HOT_USERS: Final = 20_000


@dataclass(frozen=True, slots=True)
class PartitionFlush:
    """What one flush of a partition sends to Kafka, encoded when it was taken."""

    partition: "Partition"
    records: list[tuple[bytes, bytes]]
    progress: bytes
    flush_point: bytes
    #: The next offsets of the input topics after the flush.
    positions: dict[TP, int]
    dead: list[DeadLetter]
    outgoing: list[Rekeyed]
    #: The apps that it visited, by id.
    apps: dict[str, AppFold]
    #: Whether messages beyond the flush had been taken already: they must not be acknowledged with it.
    held_back: bool


class Partition:
    """Working state of an owned partition. Made by ``recover``; dropped when the partition is revoked."""

    def __init__(
        self,
        number: int,
        settings: StreamSettings,
        validator: EventValidator,
        records: Records,
        home: Callable[[str], int],
        *,
        generation: int,
    ) -> None:
        """Continue from ``records``, the partition's changelog; ``home`` maps a user id to its partition.

        ``generation`` is the consumer group's, in which the partition was assigned.
        """
        record = records.get(PROGRESS_KEY)
        progress = decode_progress(record) if record else Progress()
        self.number = number
        self.fold = PartitionFold(number, settings.epoch, settings.apps, progress, load=self._load, home=home)
        self._validator = validator
        self._epoch = settings.epoch
        self._records = records
        self._cells = OpenCells(self.fold, records, settings.apps.open_days)
        flush = records.get(FLUSH_KEY)
        self._last_flush = decode_flush_point(flush) if flush else FlushPoint(0, 0, 0)
        # A group that was deleted counts its generations from the beginning; terms go on.
        self._term = self._last_flush.term + generation + 1
        self._published_end: dict[str, bool] = {}
        self._published_position = -1
        self._catch_up = CatchUp(self.next_offset)

    async def recover(self) -> None:
        """Rebuild the totals of open cells and the counters from the recovered users."""
        ahead = ahead_rekeyed = 0
        for users in self._cells.recover():
            self._count(users)
            ahead = max(ahead, users.next_offset)
            ahead_rekeyed = max(ahead_rekeyed, users.next_rekeyed_offset)
            await asyncio.sleep(0)
        flush = self._last_flush
        self._catch_up.aim_at({EVENTS.name: max(ahead, flush.events), REKEYED.name: max(ahead_rekeyed, flush.rekeyed)})

    def _count(self, users: UserColumns) -> None:
        self.fold.accepted[EVENTS.name] += users.accepted
        self.fold.accepted[REKEYED.name] += users.rekeyed_accepted
        self.fold.repeated[EVENTS.name] += users.repeated
        self.fold.repeated[REKEYED.name] += users.rekeyed_repeated

    def _load(self, app_id: str, user_id: str) -> UserState | None:
        record = self._records.get(encode_key(app_id, user_id))
        return None if record is None else decode_user(record)

    def next_offset(self, topic: str) -> int:
        """The next offset of input topic ``topic`` to fold."""
        progress = self.fold.progress
        return (progress.events if topic == EVENTS.name else progress.rekeyed).next_offset

    def arrived(self, topic: str) -> int:
        """The next offset of ``topic`` that has not come yet: what is held back has."""
        return max(self.next_offset(topic), self._catch_up.held_to(topic))

    @property
    def catching_up(self) -> bool:
        """Whether the fold is still behind the flush that was under way before a crash."""
        return bool(self._catch_up.missing())

    def holds_back(self, topic: str, most_bytes: int) -> bool:
        """Whether messages of ``topic`` would only add to ``most_bytes`` or more that wait for the other topic."""
        return self._catch_up.held_bytes >= most_bytes and topic not in self._catch_up.missing()

    def take(self, topic: str, messages: Sequence[Message]) -> None:
        """Fold a batch of ``topic``; what lies beyond the flush point waits until that flush has been taken."""
        point = self._catch_up.point(topic)
        if point is None:
            self._fold(topic, messages)
            return
        before = [message for message in messages if message.offset < point]
        beyond = messages[len(before) :]
        if before:
            self._fold(topic, before)
        if beyond:
            self._catch_up.hold(topic, beyond)
            self._skip_to(topic, point)

    def _fold(self, topic: str, messages: Sequence[Message]) -> None:
        fold = self.fold.fold_events if topic == EVENTS.name else self.fold.fold_rekeyed
        for begin in range(0, len(messages), _AT_ONCE):
            some = messages[begin : begin + _AT_ONCE]
            fold(some, self._validator.validate([message.value for message in some]))

    def _skip_to(self, topic: str, offset: int) -> None:
        """Nothing is left before ``offset``: the last offsets before it may belong to markers of transactions."""
        progress = self.fold.progress
        part = progress.events if topic == EVENTS.name else progress.rekeyed
        part.next_offset = max(part.next_offset, offset)

    def take_flush(self, batch: RowBatch, at_end: dict[str, bool]) -> PartitionFlush | None:
        """Add the rows of everything that changed to ``batch`` and give the rest; ``None`` when nothing is due.

        ``at_end`` says per input topic whether this partition is consumed to its end. What is taken must be delivered
        or the partition dropped.
        """
        fold, progress = self.fold, self.fold.progress
        if self.catching_up and not self._gives_up_waiting(at_end):
            return None
        if progress.position == self._published_position and at_end == self._published_end:
            return None
        rows = RowWriter(batch, self._epoch, self.number, progress.position)
        self._cells.take_rows(rows, rekeyed_at_end=at_end[REKEYED.name])
        records = self._take_users(rows)
        for letter in fold.dead:
            rows.refused(letter)
        for topic, part in ((EVENTS.name, progress.events), (REKEYED.name, progress.rekeyed)):
            rows.progress(
                topic, part, at_end=at_end[topic], accepted=fold.accepted[topic], repeated=fold.repeated[topic]
            )
        dead, fold.dead = fold.dead, []
        outgoing, fold.outgoing = fold.outgoing, []
        visited, fold.touched = fold.touched, {}
        self._published_end = dict(at_end)
        self._published_position = progress.position
        progress.rekeyed_at_end = at_end[REKEYED.name]
        point = FlushPoint(self._term, progress.events.next_offset, progress.rekeyed.next_offset)
        flush = PartitionFlush(
            self,
            records,
            encode_progress(progress),
            encode_flush_point(point),
            {TP(EVENTS.name, self.number): point.events, TP(REKEYED.name, self.number): point.rekeyed},
            dead,
            outgoing,
            visited,
            self._catch_up.holds,
        )
        for topic, messages in self._catch_up.release():
            self._fold(topic, messages)
        return flush

    def _gives_up_waiting(self, at_end: dict[str, bool]) -> bool:
        """Whether the flush point lies where nothing will come: the messages before it have expired meanwhile."""
        if not self._catch_up.gives_up(at_end):
            return False
        for topic, point in self._catch_up.missing().items():
            _log.warning("%s-%d: no messages before offset %d any more; going on from there", topic, self.number, point)
            self._skip_to(topic, point)
        return True

    def _take_users(self, rows: RowWriter) -> list[tuple[bytes, bytes]]:
        records = []
        for app_id, app in self.fold.touched.items():
            users = app.users
            for user_id in app.dirty:
                forget_ids_before(users[user_id], self._cells.open_from)
                records.append((encode_key(app_id, user_id), encode_user(users[user_id])))
            rows.users(app_id, ((user_id, users[user_id]) for user_id in app.shown))
            app.dirty.clear()
            app.shown.clear()
        return records

    def delivered(self, flush: PartitionFlush) -> None:
        """The flush is durable: its records are the resting state now, and what is at rest may leave memory."""
        self._records.update(flush.records)
        fold = self.fold
        for app_id, app in flush.apps.items():
            if app_id not in fold.touched and is_closed(app):
                del fold.apps[app_id]
                fold.users_in_memory -= len(app.users)
        if fold.users_in_memory > _HOT_USERS:
            for app in fold.apps.values():
                app.users = {user_id: app.users[user_id] for user_id in app.dirty}
            fold.users_in_memory = sum(len(app.users) for app in fold.apps.values())
