"""The records of a fetch as aiokafka decodes them, a Kafka batch at a time.

aiokafka hands each record through two generators and makes a ``ConsumerRecord`` of eleven fields of it, which takes
longer than decoding does. The decoded record has all that is read here: offset, timestamp, key, value and headers.
"""

import asyncio
from inspect import GEN_CREATED, getgeneratorstate
from typing import Any
from weakref import proxy

from aiokafka.consumer.fetcher import READ_UNCOMMITTED, Fetcher, FetchResult
from aiokafka.errors import CorruptRecordException

__all__ = ["decode_whole_batches", "until_fetched"]


def decode_whole_batches(fetcher: Fetcher) -> None:
    """Have the answers that wait in ``fetcher`` give out their records as decoded."""
    for fetched in fetcher._records.values():
        if isinstance(fetched, FetchResult) and fetched.has_more() and not isinstance(fetched.getall, _WholeBatches):
            source = fetched._partition_records
            # When some were taken, the rest of a batch is in the generator. Of what is committed only, aiokafka knows.
            if (
                getgeneratorstate(source._records_iterator) == GEN_CREATED
                and source._isolation_level == READ_UNCOMMITTED
            ):
                # It refers to its source: the two would keep the answer in memory until garbage is collected.
                source._records_iterator = None
                fetched.getall = _WholeBatches(fetched)


async def until_fetched(fetcher: Fetcher, timeout_s: float) -> None:
    """Wait until an answer arrives, for ``timeout_s`` at most. Raises what keeps the consumer from fetching."""
    waiter = fetcher._create_fetch_waiter()
    await asyncio.wait([waiter], timeout=timeout_s)
    if not waiter.cancel():
        waiter.result()


class _WholeBatches:
    """``FetchResult.getall`` of one fetch."""

    def __init__(self, fetched: FetchResult) -> None:
        self._fetched: FetchResult = proxy(fetched)
        #: Decoded, but more than was asked for.
        self._ahead: list[Any] = []
        #: The offset after the batch that was decoded last.
        self._end = fetched._partition_records.next_fetch_offset

    def __call__(self, max_records: int) -> list[Any]:
        """The next records, at most ``max_records``; the consumer's position is after them.

        Raises:
            CorruptRecordException: a batch fails its checksum; it will be fetched again.
        """
        fetched = self._fetched
        if not fetched.check_assignment(fetched._topic_partition) or not fetched.has_more():
            return []
        source, records = fetched._partition_records, self._ahead
        try:
            while len(records) < max_records and source._records.has_next():
                records += self._next_batch(source)
        except CorruptRecordException:
            fetched._partition_records = None
            raise
        self._ahead = records[max_records:]
        del records[max_records:]
        source.next_fetch_offset = records[-1].offset + 1 if self._ahead else self._end
        fetched._update_position()
        if not self._ahead and not source._records.has_next():
            fetched._partition_records = None
        return records

    def _next_batch(self, source: Any) -> list[Any]:
        batch = source._records.next_batch()
        if source._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"invalid checksum of a batch of {source._tp}")
        # A fetch may begin within a batch, whose earlier records come along.
        first = source.next_fetch_offset
        self._end = max(first, batch.next_offset)
        if batch.is_control_batch:
            return []
        return [*batch] if batch.base_offset >= first else [record for record in batch if record.offset >= first]
