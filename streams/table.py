"""The Faust table ``users``: the one durable state, kept per partition in the changelog's own bytes.

Faust creates the changelog topic and reads it on recovery; writing is the flush's task, whole batches at a time.

Around a rebalance Faust drops fetches of the changelog too, and would call the recovery complete without them. So the
table itself keeps count of what it has taken in, tells Faust, and has read again what did not arrive.
"""

import logging
import struct
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, cast

import faust
from aiokafka.errors import IllegalStateError, KafkaError
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP, EventT

from schemas.errors import Terminal
from streams.codec import decode_user, encode_user, is_user, offsets_of, upgraded
from streams.consumer_thread import RecordBatch
from streams.core.state import merge
from streams.lost_fetches import LostFetches
from streams.positions import FLUSH_KEY, decode_flush_point, decode_progress
from streams.store import records_in
from streams.transport import BatchConsumer

__all__ = ["UsersTable"]

_log = logging.getLogger(__name__)

#: Looks at a recovery that in a row see fetches which have not arrived, until they are fetched again.
_PATIENCE_LOOKS: Final = 3


class UsersTable(faust.Table[bytes, bytes]):
    """Changelog records by partition and key.

    A worker that was cut off may have written after its successor, so of a key's records the one that is further wins,
    not the last one. When each is further in another input topic, they are merged.
    """

    def __init__(
        self,
        app: faust.App,
        recovered: Callable[[set[int]], Awaitable[None]],
        state_dir: Path | None = None,
        **options: Any,
    ) -> None:
        """``recovered`` is awaited with the partitions owned, after their changelog has been read.

        The records are kept under ``state_dir``, or in memory. Raises ``Terminal`` when they cannot be kept there.
        """
        super().__init__(app, key_type=bytes, value_type=bytes, **options)
        self.records = records_in(state_dir, app.conf.id)
        self._recovered = recovered
        self._damage: Exception | None = None
        #: By partition: the era in which its changelog is read, and the next offset.
        self._read_to: dict[int, tuple[int, int]] = {}
        self._lost_fetches = LostFetches(_PATIENCE_LOOKS)
        #: How many fetches of changelogs were taken in, in all recoveries.
        self.fetches = 0

    async def on_changelog_event(self, event: EventT[Any]) -> None:
        """Take in a fetch. A damaged record in it stops the worker when the recovery is over."""
        message = event.message
        try:
            arrived = self.take_in(message.partition, cast("RecordBatch", message.value))
        except (Terminal, struct.error) as error:
            # Faust would log an exception here, go on, and end the recovery without the rest.
            arrived, self._damage = True, error
        self._tell(message.tp)
        if not arrived:
            await self._read_again(message.tp)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Nothing is left to do: fetches are taken in as they come."""

    def take_in(self, partition: int, batch: RecordBatch) -> bool:
        """Take in the records of one fetch; False when some before them did not arrive, so that it is too early.

        Raises ``Terminal`` for a damaged record.
        """
        self.fetches += 1
        era, read_to = self._read_to.get(partition, (-1, 0))
        if batch.era < era:
            return True
        if batch.era > era:
            read_to = batch.origin
            self._read_to[partition] = batch.era, read_to
        if batch.begin > read_to:
            return False
        self._read_to[partition] = batch.era, batch[-1].offset + 1
        for record in batch:
            self.apply(partition, record.key, record.value)
        return True

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

    @property
    def _recovery(self) -> Recovery:
        return cast("TableManager", self.app.tables).recovery

    def _tell(self, tp: TP) -> None:
        """Let Faust know how far the changelog has been taken in: it takes the last fetch that it saw for that."""
        offsets = self._recovery.active_offsets
        if tp in offsets:
            offsets[tp] = self._read_to[tp.partition][1] - 1

    async def look_for_lost_fetches(self) -> None:
        """Read again what was fetched some looks ago and has not arrived. To be called now and then."""
        recovery = self._recovery
        missing: dict[TP, tuple[int, int]] = {}
        consumer = cast("BatchConsumer", self.app.consumer)
        for tp, remaining in recovery.active_remaining().items() if recovery.in_recovery else ():
            era, read_to = self._read_to.get(tp.partition, (-1, 0))
            if era != consumer.era(tp):
                read_to = consumer.origin(tp)
            fetched = consumer.fetched_to(tp)
            if remaining > 0 and fetched > read_to:
                missing[tp] = read_to, fetched
        for tp in self._lost_fetches.look(missing):
            self._read_to[tp.partition] = consumer.era(tp), missing[tp][0]
            self._tell(tp)
            await self._read_again(tp)

    async def _read_again(self, tp: TP) -> None:
        read_to = self._read_to[tp.partition][1]
        _log.info("changelog: what follows offset %d of %s did not arrive, reading again", read_to, tp)
        try:
            await self.app.consumer.seek_wait({tp: read_to})
        except (TimeoutError, IllegalStateError, KafkaError) as error:
            # Taken away meanwhile, or the broker is away; the next look tries again if it must.
            _log.info("changelog: not yet (%r)", error)

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
