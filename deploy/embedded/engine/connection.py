"""One session of the engine: its settings, its current database, its temporary tables; one statement at a time."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import chdb

from deploy.embedded.engine.errors import ClickHouseError, Code

__all__ = ["Answer", "Connection", "quote_name", "quote_text"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
#: Output formats that chDB's binding invents; ClickHouse knows none of them.
_FOREIGN_FORMATS = frozenset({"dataframe", "datastore", "arrowtable", "debug"})


def quote_text(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(name: str) -> str:
    """A SQL identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave: the encoded result, and what it read and wrote. ``elapsed`` in nanoseconds."""

    body: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed: int = 0


class Connection:
    """Not for use by two threads at once. Every method raises ClickHouseError with the engine's code."""

    def __init__(self, data_dir: Path) -> None:
        """Open a session on ``data_dir``; the first one starts the engine."""
        try:
            self._native = chdb.connect(str(data_dir))
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error
        #: The session's own settings could not be brought back: it must not be used again.
        self.spent = False

    def close(self) -> None:
        """End the session; the last one to close closes the engine."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def query(self, sql: str, output: str = "TabSeparated", parameters: Mapping[str, str] | None = None) -> Answer:
        """Run one statement; ``output`` is the format where the statement names none.

        Values of ``parameters`` are escaped as in ClickHouse's TabSeparated, as over its HTTP interface.
        """
        if output.lower() in _FOREIGN_FORMATS or not _NAME.fullmatch(output):
            raise ClickHouseError.of(Code.UNKNOWN_FORMAT, f"Unknown format {output}.")
        started = time.perf_counter_ns()
        try:
            result = self._native.query(sql, output, params=dict(parameters or {}))
        except (chdb.ChdbError, RuntimeError) as error:
            raise ClickHouseError.from_engine(error) from error
        return Answer(
            body=result.bytes(),
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            elapsed=time.perf_counter_ns() - started,
        )

    def insert(self, head: str, data_format: str, chunks: Iterable[bytes]) -> Answer:
        """Run ``head``, an INSERT up to its FORMAT or VALUES, on ``chunks``; returns when they are in a part."""
        started = time.perf_counter_ns()
        try:
            with self._native.send_insert(head, data_format) as stream:
                for chunk in chunks:
                    stream.append(chunk)
                done = stream.finish()
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error
        return Answer(
            read_rows=done.rows_written,
            read_bytes=done.bytes_written,
            written_rows=done.rows_written,
            written_bytes=done.bytes_written,
            elapsed=time.perf_counter_ns() - started,
        )

    def scalar(self, sql: str) -> str:
        """The only value of a query, as text."""
        return self.query(sql, "TSVRaw").body.decode().removesuffix("\n")

    def use(self, database: str) -> None:
        """Make ``database`` the current one."""
        self.query(f"USE {quote_name(database)}")

    def set(self, settings: Mapping[str, str]) -> None:
        """Change settings for the rest of the session."""
        for name, value in settings.items():
            if not _NAME.fullmatch(name):
                raise ClickHouseError.of(Code.UNKNOWN_SETTING, f"Unknown setting {name!r}.")
            self.query(f"SET {name} = {quote_text(value)}")

    @contextmanager
    def overridden(self, settings: Mapping[str, str], database: str) -> Iterator[None]:
        """``settings`` and ``database`` (if not empty) hold inside the block only, then the session's own again."""
        own_database = self.scalar("SELECT currentDatabase()") if database else ""
        own = self._own(settings)
        try:
            if database:
                self.use(database)
            self.set(settings)
            yield
        finally:
            self._restore(own, own_database, database)

    def _own(self, names: Iterable[str]) -> dict[str, str]:
        """For each setting that exists, the SQL of its present value."""
        wanted = ", ".join(quote_text(name) for name in names)
        if not wanted:
            return {}
        sql = f"SELECT name, value, changed FROM system.settings WHERE name IN ({wanted})"
        rows = (json.loads(line) for line in self.query(sql, "JSONCompactEachRow").body.splitlines())
        return {name: quote_text(value) if changed else "DEFAULT" for name, value, changed in rows}

    def _restore(self, own: Mapping[str, str], own_database: str, database: str) -> None:
        try:
            for name, value in own.items():
                self.query(f"SET {name} = {value}")
            if database and self.scalar("SELECT currentDatabase()") == database:  # else the statement was USE
                self.use(own_database)
        except ClickHouseError:  # a request that set readonly, or dropped the session's database
            self.spent = True
