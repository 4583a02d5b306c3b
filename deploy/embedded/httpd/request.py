"""From an HTTP request to a job for the engine, by the rules of ClickHouse's ``HTTPHandler``.

The statement is the ``query`` parameter, a line break, and the body. Every parameter that is not the interface's own is
a setting of the engine, or with the prefix ``param_`` a value for a ``{name:Type}`` placeholder.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from io import BytesIO
from typing import BinaryIO

from aiohttp import BodyPartReader, web

from deploy.embedded.engine.engine import ExternalTable, Job
from deploy.embedded.engine.errors import ClickHouseError, Code
from deploy.embedded.engine.sessions import SessionKey
from deploy.embedded.httpd.body import MAX_BODY_BYTES, body_too_large, decompressed, spool

__all__ = ["read_job"]

_CHUNK_BYTES = 1 << 18
_MAX_SESSION_TIMEOUT = 3600
_OWN = frozenset(
    {"query", "query_id", "database", "default_format", "user", "password", "quota_key", "role", "stacktrace"}
    | {"compress", "decompress", "enable_http_compression", "http_zlib_compression_level", "buffer_size"}
    | {"session_id", "session_timeout", "session_check", "close_session", "client_protocol_version"}
    # Settings of the server's own HTTP side: answers here are whole, so none of them has anything to steer.
    | {"wait_end_of_query", "http_wait_end_of_query", "http_response_buffer_size", "send_progress_in_http_headers"}
    | {"http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close", "add_http_cors_header"}
)
_TABLE_SUFFIXES = ("_format", "_structure", "_types")


@asynccontextmanager
async def read_job(request: web.Request) -> AsyncIterator[Job]:
    """Take in the whole request; its files live inside the block. Raises ClickHouseError."""
    parameters = dict(request.query)
    _refuse_unserved(request, parameters)
    with ExitStack() as files:
        tables: tuple[ExternalTable, ...] = ()
        if request.content_type == "multipart/form-data":
            body: BinaryIO = BytesIO()
            tables = await _read_form(request, parameters, files)
        else:
            raw, _ = await spool(request.content.iter_chunked(_CHUNK_BYTES))
            body = decompressed(files.enter_context(raw), request.headers.get("Content-Encoding", "").lower())
        yield _job(request, parameters, body, tables)


def _refuse_unserved(request: web.Request, parameters: dict[str, str]) -> None:
    if parameters.get("compress") in ("1", "true") or parameters.get("decompress") in ("1", "true"):
        message = "ClickHouse's own block compression is not served; use Accept-Encoding and Content-Encoding."
        raise ClickHouseError.of(Code.NOT_IMPLEMENTED, message)
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise body_too_large()
    if request.method == "POST" and not request.body_exists and "Content-Length" not in request.headers:
        message = "The Transfer-Encoding is not chunked and there is no Content-Length header for POST request."
        raise ClickHouseError.of(Code.HTTP_LENGTH_REQUIRED, message)


def _job(request: web.Request, parameters: dict[str, str], body: BinaryIO, tables: tuple[ExternalTable, ...]) -> Job:
    text = parameters.get("query", "").encode()
    settings = dict(_settings(parameters, {table.name for table in tables}))
    return Job(
        query=text + b"\n" if text else b"",
        body=body,
        default_format=request.headers.get("X-ClickHouse-Format") or parameters.get("default_format") or "TabSeparated",
        database=request.headers.get("X-ClickHouse-Database") or parameters.get("database", ""),
        settings=settings,
        parameters={name[6:]: value for name, value in parameters.items() if name.startswith("param_")},
        session=_session(parameters),
        read_only=request.method in ("GET", "HEAD"),
        tables=tables,
    )


def _settings(parameters: dict[str, str], tables: set[str]) -> Iterator[tuple[str, str]]:
    describing = {table + suffix for table in tables for suffix in _TABLE_SUFFIXES}
    for name, value in parameters.items():
        if name and name not in _OWN and name not in describing and not name.startswith("param_"):
            yield name, value


def _session(parameters: dict[str, str]) -> SessionKey | None:
    name = parameters.get("session_id")
    if not name:
        return None
    given = parameters.get("session_timeout", "60")
    if not given.isdecimal() or int(given) > _MAX_SESSION_TIMEOUT:
        message = f"Invalid session timeout {given!r}: it must be a number of seconds up to {_MAX_SESSION_TIMEOUT}."
        raise ClickHouseError.of(Code.INVALID_SESSION_TIMEOUT, message)
    return SessionKey(
        name,
        timeout=int(given),
        must_exist=parameters.get("session_check") == "1",
        close=parameters.get("close_session") == "1",
    )


async def _read_form(request: web.Request, parameters: dict[str, str], files: ExitStack) -> tuple[ExternalTable, ...]:
    """Fields of the form join ``parameters``; its files are the request's external tables."""
    size = 0
    sent: dict[str, BinaryIO] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            raise ClickHouseError.of(Code.BAD_ARGUMENTS, "Every part of a form must be a field with a name.")
        file, size = await spool(_chunks(part), size)
        files.enter_context(file)
        if part.filename is None and f"{part.name}_structure" not in parameters:
            parameters[part.name] = parameters.get(part.name, "") + file.read().decode(errors="replace")
        else:
            sent[part.name] = file
    return tuple(_table(name, parameters, file) for name, file in sent.items())


async def _chunks(part: BodyPartReader) -> AsyncIterable[bytes]:
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        yield chunk


def _table(name: str, parameters: dict[str, str], data: BinaryIO) -> ExternalTable:
    structure = parameters.get(f"{name}_structure")
    if structure is None:
        types = parameters.get(f"{name}_types")
        if types is None:
            message = f"External table {name!r} needs the parameter {name}_structure or {name}_types."
            raise ClickHouseError.of(Code.BAD_ARGUMENTS, message)
        structure = ", ".join(f"_{position} {type_}" for position, type_ in enumerate(types.split(","), 1))
    return ExternalTable(name, structure, parameters.get(f"{name}_format", "TabSeparated"), data)
