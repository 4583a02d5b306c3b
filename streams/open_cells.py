"""Which cells of a partition are open: opened by a recovery, closed by the watermarks, opened again by an exception."""

from collections.abc import Iterator
from typing import Final

from streams.codec import encode_key
from streams.core.days import NO_DAY
from streams.core.partition_fold import PartitionFold
from streams.core.totals import close_cells, oldest_change, rebuild, settle, snapshot, unsettle
from streams.rebuild import add_resting
from streams.rows import RowWriter
from streams.store import Records
from streams.user_columns import UserColumns

__all__ = ["OpenCells"]


class OpenCells:
    """Totals of the cells that end on day ``open_from`` or later, and the rows of those that changed."""

    def __init__(self, fold: PartitionFold, records: Records, open_days: int) -> None:
        """For the users in ``fold`` and, at rest, in ``records``; the ``open_days`` latest days can change."""
        self.open_from = 0
        self._fold: Final = fold
        self._records: Final = records
        self._open_days: Final = open_days
        self._reopened_from: int | None = None
        self._published_apps: set[str] = set()
        #: Every open cell goes out with the first flush, so that one that was lost heals.
        self._whole = True

    def recover(self) -> Iterator[UserColumns]:
        """Rebuild the totals from the users at rest, a part at a time, whose columns are given."""
        self.open_from = self._floor(rekeyed_at_end=self._fold.progress.rekeyed_at_end)
        yield from add_resting(self._fold.app, self._records, self.open_from)

    def take_rows(self, rows: RowWriter, *, rekeyed_at_end: bool) -> None:
        """Add the rows of all cells that changed since the last flush, then close the days that have ended."""
        self._reopen_if_needed()
        fold = self._fold
        for app_id, app in fold.touched.items():
            if app_id not in self._published_apps:
                self._published_apps.add(app_id)
                rows.app(app)
            for group in settle(app):
                rows.cells(app_id, group)
            if self._whole:
                for group in snapshot(app):
                    rows.cells(app_id, group)
        self._whole = False
        floor = self._floor(rekeyed_at_end=rekeyed_at_end)
        if rekeyed_at_end:
            self._reopened_from = None
        elif self._reopened_from is not None:
            # More of the kind may follow; closing now would mean reopening, over all users, for each.
            floor = min(floor, self._reopened_from)
        if floor > self.open_from:
            self.open_from = floor
            for app in fold.apps.values():
                close_cells(app, floor)
            fold.touched.update(fold.apps)

    def _floor(self, *, rekeyed_at_end: bool) -> int:
        """The earliest day that an expected event can still change."""
        events, rekeyed = self._fold.progress.events.watermark, self._fold.progress.rekeyed.watermark
        if events == NO_DAY or (not rekeyed_at_end and rekeyed != NO_DAY):
            events = min(events, rekeyed) if events != NO_DAY else rekeyed
        return max(0, events - self._open_days)

    def _reopen_if_needed(self) -> None:
        fold = self._fold
        oldest = min((day for app in fold.touched.values() if (day := oldest_change(app)) is not None), default=None)
        if oldest is None or oldest >= self.open_from:
            return
        self.open_from = self._reopened_from = oldest
        for app in fold.apps.values():
            rebuild(app, app.users.values(), oldest)
        in_memory = {encode_key(app_id, user_id) for app_id, app in fold.apps.items() for user_id in app.users}
        # Apps that were dropped have open cells again.
        for _ in add_resting(fold.app, self._records, oldest, in_memory):
            pass
        for app in fold.touched.values():
            unsettle(app)
