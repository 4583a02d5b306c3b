"""The engine on a data directory, and how one request runs on it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Self

from deploy.embedded.engine.connection import Answer, Connection, quote_name
from deploy.embedded.engine.datadir import DataDirLock
from deploy.embedded.engine.errors import ClickHouseError, Code
from deploy.embedded.engine.sessions import SessionKey, Sessions
from deploy.embedded.engine.statement import Insert, read_statement, refuse_second_statement

__all__ = ["Engine", "ExternalTable", "Job"]

_CHUNK_BYTES = 1 << 20
#: An INSERT's own text (up to its data) may have this length; of other statements the engine judges the length.
_INSERT_HEAD_BYTES = 1 << 20
_STATEMENT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A table that a request brings along, for itself alone. ``structure`` as in CREATE TABLE, without brackets."""

    name: str
    structure: str
    format: str
    data: BinaryIO


@dataclass(frozen=True, slots=True)
class Job:
    """One request: ``query``, then the bytes of ``body``, are the statement and perhaps its data."""

    query: bytes
    body: BinaryIO = field(default_factory=BytesIO)
    default_format: str = "TabSeparated"
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    session: SessionKey | None = None
    read_only: bool = False
    tables: tuple[ExternalTable, ...] = ()


class Engine:
    """ClickHouse in this process. At most one per process; ``run`` may be called by several threads."""

    def __init__(self, data_dir: Path, *, create: bool = True) -> None:
        """Open ``data_dir``. Raises DataDirError if it is missing (without ``create``), in use, or not writable."""
        self._data_dir = data_dir.absolute()
        self._lock = DataDirLock(self._data_dir, create=create)
        try:
            self._keeper = self._connect()  # the engine lives as long as any connection
        except ClickHouseError:
            self._lock.release()
            raise
        self._sessions = Sessions(self._connect)
        self.version = self._keeper.scalar("SELECT version()")
        self.time_zone = self._keeper.scalar("SELECT timezone()")

    def _connect(self) -> Connection:
        return Connection(self._data_dir)

    def close(self) -> None:
        """Close the engine and give the data directory back. No ``run`` may be under way."""
        self._sessions.close()
        self._keeper.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, job: Job) -> tuple[Answer, str]:
        """Run the statement; returns its answer and the answer's format. Raises ClickHouseError."""
        text = job.query + job.body.read(max(_INSERT_HEAD_BYTES - len(job.query), 0))
        statement = read_statement(text)
        if job.read_only and not statement.read_only:
            raise self._readonly(text)
        with self._session(job) as connection, _external_tables(connection, job.tables):
            insert = statement.insert
            if insert is not None and not (insert.format == "Values" and job.parameters):
                return _insert(connection, job, text, insert), insert.format
            whole = _whole(text, job.body)
            if insert is not None:  # VALUES of expressions with parameters, which only the full parser fills in
                refuse_second_statement(whole)
            output = statement.format or job.default_format
            return connection.query(_decode(whole), output, job.parameters), output

    def _readonly(self, text: bytes) -> ClickHouseError:
        """Why a GET may not run ``text``: it would change something, or it is no SQL at all."""
        try:
            with self._connect() as connection:
                connection.query("EXPLAIN AST " + _decode(text))
        except ClickHouseError as error:
            if error.code == Code.SYNTAX_ERROR:
                return error
        return ClickHouseError.of(
            Code.READONLY,
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. "
            "You should use method POST for modifying queries.",
        )

    @contextmanager
    def _session(self, job: Job) -> Iterator[Connection]:
        if job.session is None:
            with self._connect() as connection:
                if job.database:
                    connection.use(job.database)
                connection.set(job.settings)
                yield connection
        else:
            with (
                self._sessions.session(job.session) as connection,
                connection.overridden(job.settings, job.database),
            ):
                yield connection


def _insert(connection: Connection, job: Job, text: bytes, insert: Insert) -> Answer:
    connection.set({f"param_{name}": value for name, value in job.parameters.items()})
    data = chain((text[insert.data_start :],), _chunks(job.body))
    return connection.insert(_decode(text[: insert.head_end]), insert.format, data)


def _chunks(data: BinaryIO) -> Iterator[bytes]:
    while chunk := data.read(_CHUNK_BYTES):
        yield chunk


def _whole(text: bytes, body: BinaryIO) -> bytes:
    text += body.read(_STATEMENT_BYTES - len(text) + 1)
    if len(text) > _STATEMENT_BYTES:
        raise ClickHouseError.of(Code.QUERY_IS_TOO_LARGE, f"The statement is longer than {_STATEMENT_BYTES} bytes.")
    return text


def _decode(sql: bytes) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError as error:
        message = f"Syntax error: the statement is not UTF-8 at byte {error.start}."
        raise ClickHouseError.of(Code.SYNTAX_ERROR, message) from error


@contextmanager
def _external_tables(connection: Connection, tables: tuple[ExternalTable, ...]) -> Iterator[None]:
    created: list[str] = []
    try:
        for table in tables:
            name = quote_name(table.name)
            connection.query(f"CREATE TEMPORARY TABLE {name} ({table.structure})")
            created.append(name)
            connection.insert(f"INSERT INTO {name}", table.format, _chunks(table.data))
        yield
    finally:
        for name in created:
            connection.query(f"DROP TEMPORARY TABLE {name}")
