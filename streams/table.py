"""The Faust table ``users``: the one durable state, kept per partition in the changelog's own bytes.

Faust creates the changelog topic and reads it on recovery; writing is the flush's task, whole batches at a time.
"""

import struct
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import faust
from faust.types import TP, EventT

from schemas.errors import Terminal
from streams.codec import decode_user, encode_user, is_user, offsets_of, upgraded
from streams.core.state import merge
from streams.positions import FLUSH_KEY, decode_flush_point, decode_progress
from streams.transport import RecordBatch

__all__ = ["UsersTable"]


class UsersTable(faust.Table[bytes, bytes]):
    """Changelog records by partition and key.

    A worker that was cut off may have written after its successor, so of a key's records the one that is further wins,
    not the last one. When each is further in another input topic, they are merged.
    """

    def __init__(self, app: faust.App, recovered: Callable[[set[int]], Awaitable[None]], **options: Any) -> None:
        """``recovered`` is awaited with the partitions owned, after their changelog has been read."""
        super().__init__(app, key_type=bytes, value_type=bytes, **options)
        self.records: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        self._recovered = recovered
        self._damage: Exception | None = None
        #: By partition: the era in which its changelog is read, and the next offset.
        self._read_to: dict[int, tuple[int, int]] = {}

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Take in recovered records. A damaged one stops the worker when the recovery is over."""
        for event in batch:
            message = event.message
            try:
                self.take_in(message.partition, cast("RecordBatch", message.value))
            except (Terminal, struct.error) as error:
                # Faust would log an exception here, go on, and end the recovery without the rest.
                self._damage = error

    def take_in(self, partition: int, batch: RecordBatch) -> None:
        """Take in the records of one fetch. Raises ``Terminal`` when some before them are missing."""
        era, read_to = self._read_to.get(partition, (-1, 0))
        if batch.era < era:
            return
        if batch.era > era:
            read_to = batch.origin
        if batch.begin > read_to:
            raise Terminal(f"records {read_to} to {batch.begin} of changelog partition {partition} did not arrive")
        self._read_to[partition] = batch.era, batch[-1].offset + 1
        for record in batch:
            self.apply(partition, record.key, record.value)

    def apply(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take in one record, unless the one that is there is ahead of it. Raises ``Terminal`` when it is damaged."""
        records = self.records[partition]
        if value is None:
            records.pop(key, None)
            return
        if is_user(key):
            value = upgraded(value)
        known = records.get(key)
        records[key] = value if known is None else _further(key, known, value)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Forget partitions that are owned no longer and hand over the others."""
        # Faust awaits this in a way that loses exceptions; a failed recovery must stop the worker.
        try:
            if self._damage is not None:
                raise Terminal(f"the changelog cannot be read: {self._damage}") from self._damage
            await super().on_recovery_completed(active_tps, standby_tps)
            owned = {tp.partition for tp in active_tps}
            for partition in self.records.keys() - owned:
                del self.records[partition]
            await self._recovered(owned)
        except Exception as error:
            await self.app.crash(error)
            raise


def _further(key: bytes, known: bytes, value: bytes) -> bytes:
    if key == FLUSH_KEY:
        return value if decode_flush_point(value).order >= decode_flush_point(known).order else known
    if not is_user(key):
        return value if decode_progress(value).position >= decode_progress(known).position else known
    before, after = offsets_of(known), offsets_of(value)
    if after[0] >= before[0] and after[1] >= before[1]:
        return value
    if after[0] <= before[0] and after[1] <= before[1]:
        return known
    return encode_user(merge(decode_user(known), decode_user(value)))
