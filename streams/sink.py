"""What the worker expects of a sink. ``sinks.ClickHouseSink`` is one; this module does not know it."""

from typing import Protocol

from schemas.tables import RowBatch

__all__ = ["Sink"]


class Sink(Protocol):
    """Where the rows of a flush go."""

    async def write(self, batch: RowBatch) -> None:
        """Return when every row is durable. Retries what passes by itself for ever; raises ``Terminal`` otherwise.

        Writing a batch again must change nothing: rows are absolute and versioned.
        """

    @property
    def trouble(self) -> str | None:
        """Why rows cannot be written at present; ``None`` when they can, or when it has not been tried."""

    async def close(self) -> None:
        """Release connections."""
