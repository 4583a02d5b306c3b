"""Writing the rows of a flush, so that whatever is repeated changes nothing.

Rows are absolute and versioned (``ReplacingMergeTree(version)``), so an insert that may or may not have happened is
simply sent again, without a deduplication token: one with other rows under the same token would be dropped in silence.
"""

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from clickhouse_connect.datatypes.base import ClickHouseType
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError

from schemas.errors import Terminal
from schemas.tables import TABLES, RowBatch
from sinks.client import Client, connect, translate
from sinks.retry import Availability, Backoff, Retrier
from sinks.threads import in_daemon_thread

__all__ = ["ClickHouseSink"]

#: ``progress`` goes last: it says up to which offset the other tables are published.
_ORDER: Final = (*(name for name in TABLES if name != "progress"), "progress")
#: The server acknowledges a synchronous insert once the rows are stored; an asynchronous one might be lost after it.
_SETTINGS: Final = {"async_insert": 0}
#: Rows of one insert: the flush after a recovery has those of every user, and an insert that takes longer than a
#: request may would be tried again for ever. A refused message may be 64 KiB long.
_MOST_ROWS: Final = {name: 1_000 if name == "refused" else 100_000 for name in TABLES}
_TYPES: Final[dict[str, list[ClickHouseType]]] = {
    table.name: [get_from_name(type_name) for type_name in table.columns.values()] for table in TABLES.values()
}


class ClickHouseSink:
    """Upserts row batches over HTTP. Several writes may be under way at once."""

    def __init__(self, url: str, user: str, password: str, database: str, backoff: Backoff | None = None) -> None:
        """Nothing is sent before the first write, so the server may still be away."""
        self._url = url
        self._connect = partial(connect, url, user, password, database)
        self._client: Client | None = None
        self._connecting = threading.Lock()
        self._closed = False
        self._retrier = Retrier(f"ClickHouse at {url}", backoff)

    @property
    def state(self) -> Availability:
        """Whether ClickHouse takes rows, and since when."""
        return self._retrier.state

    @property
    def trouble(self) -> str | None:
        """Why rows cannot be written at present; ``None`` when they can, or when it has not been tried."""
        state = self.state
        return f"{state.reason} (since {state.since:%H:%M:%S} UTC)" if state.reason and not state.available else None

    async def write(self, batch: RowBatch) -> None:
        """Return once every row of ``batch`` is stored.

        A large batch goes out in several inserts, one after the other, and while ClickHouse is away the one at hand is
        tried again for ever. When cancelled, some rows may have been stored; writing the batch again, or a later one,
        makes it right.

        Raises:
            Terminal: ClickHouse refuses the rows, the user or the tables, and always will.
        """
        for table in _ORDER:
            for columns in _portions(batch, table):
                insert = partial(self._insert, table, columns)
                await self._retrier.run(partial(in_daemon_thread, insert))

    async def close(self) -> None:
        """Give up the connection, at once; an insert under way is left to itself."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        client = self._connected()
        # A context holds the data it sends, so each insert has its own; with explicit types it asks the server nothing.
        context = client.create_insert_context(
            table,
            column_names=list(TABLES[table].columns),
            column_types=_TYPES[table],
            column_oriented=True,
            settings=_SETTINGS,
            data=columns,
        )
        try:
            client.data_insert(context)
        except (DataError, TypeError, ValueError, AttributeError) as error:
            # Raised while encoding, before the server saw anything.
            raise Terminal(f"a value for {table}.{context.column_name} does not fit its type: {error}") from error
        except (ClickHouseError, OSError) as error:
            raise translate(error, self._url) from error
        finally:
            # A context refers to itself, and would keep the columns in memory until garbage is collected.
            context.data = [()]

    def _connected(self) -> Client:
        with self._connecting:
            if self._client is None:
                client = self._connect()
                if self._closed:
                    client.close()
                    raise Terminal("the sink was closed, so it writes nothing more")
                self._client = client
            return self._client


def _portions(batch: RowBatch, table: str) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows for ``table`` in their order, as columns, in portions of what one insert may hold."""
    rows, most = batch.rows(table), _MOST_ROWS[table]
    if rows <= most:
        if rows:
            yield batch.columns[table]
        return
    for first in range(0, rows, most):
        yield [column[first : first + most] for column in batch.columns[table]]
