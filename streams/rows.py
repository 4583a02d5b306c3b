"""States and cells to rows of ClickHouse, in the column order of ``schemas.tables``."""

from collections.abc import Iterable
from typing import Any, Final

from schemas.dead_letter import DeadLetter
from schemas.tables import RowBatch
from streams.core import days
from streams.core.app_fold import AppFold
from streams.core.days import NO_DAY
from streams.core.progress import TopicProgress
from streams.core.state import UserState
from streams.core.totals import CellGroup

__all__ = ["RAW_BYTES", "RowWriter"]

#: How much of a refused message the table ``refused`` holds, in bytes.
RAW_BYTES: Final = 65_536
#: Published masks reach back 32 days; the widest rolling window of a user is 30.
_MASK: Final = 0xFFFFFFFF


class RowWriter:
    """Adds the rows of one partition at one position to a batch."""

    def __init__(self, batch: RowBatch, epoch: int, partition: int, version: int) -> None:
        """Every row carries ``epoch``, ``partition`` and ``version``."""
        self.batch = batch
        self._epoch = epoch
        self._partition = partition
        self._version = version

    def cells(self, app_id: str, group: CellGroup) -> None:
        """Absolute values of a group of cells."""
        count = len(group.keys)
        self.batch.extend(
            "cells",
            [self._epoch] * count,
            [group.family] * count,
            [app_id] * count,
            [key >> 16 for key in group.keys],
            [key & 0xFFFF for key in group.keys],
            [group.segment] * count,
            [group.value] * count,
            [self._partition] * count,
            group.users,
            [self._version] * count,
        )

    def users(self, app_id: str, users: Iterable[tuple[str, UserState]]) -> None:
        """The published rows of users; none for a user without an active day."""
        rows = [(user_id, *_days(user), *_check_ins(user), *user.attributes) for user_id, user in users if user.days]
        if not rows:
            return
        # A row at a time would be appended to 22 lists.
        count = len(rows)
        user_ids, *columns = (list(column) for column in zip(*rows, strict=True))
        self.batch.extend(
            "users",
            [self._epoch] * count,
            [app_id] * count,
            user_ids,
            [self._partition] * count,
            *columns,
            [self._version] * count,
        )

    def app(self, app: AppFold) -> None:
        """The settings of an app that views need."""
        settings = app.settings
        self.batch.add(
            "apps",
            (
                self._epoch,
                app.app_id,
                settings.time_zone,
                settings.day_cutoff_minutes,
                settings.allowed_lateness,
                list(settings.milestones),
                self._version,
            ),
        )

    def refused(self, letter: DeadLetter) -> None:
        """A dead letter; of a long message the beginning, the topic ``mp.events.dead`` keeps it whole."""
        self.batch.add(
            "refused",
            (
                self._epoch,
                letter.topic,
                letter.partition,
                letter.offset,
                letter.reason,
                letter.detail,
                letter.key or b"",
                (letter.value or b"")[:RAW_BYTES],
                max(letter.at_ms, 0),
                self._version,
            ),
        )

    def progress(self, topic: str, progress: TopicProgress, *, at_end: bool, accepted: int, repeated: int) -> None:
        """How far the partition has been folded."""
        self.batch.add(
            "progress",
            (
                self._epoch,
                topic,
                self._partition,
                progress.next_offset,
                None if progress.watermark == NO_DAY else progress.watermark,
                at_end,
                progress.consumed,
                accepted,
                repeated,
                progress.late,
                progress.future,
                progress.invalid,
                progress.rekeyed,
                self._version,
            ),
        )


def _days(user: UserState) -> tuple[int, int, int, int, int]:
    last, bits = user.last_day, user.days
    return (
        days.first(last, bits),
        last,
        bits & _MASK,
        last - days.run_ending_on(last, bits, last) + 1,
        days.longest_run(bits),
    )


def _check_ins(user: UserState) -> tuple[Any, ...]:
    last, bits = user.last_check_in, user.check_ins
    if not bits:
        return None, 0, None, 0
    return last, bits & _MASK, last - days.run_ending_on(last, bits, last) + 1, days.longest_run(bits)
