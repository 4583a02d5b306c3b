"""Questions to ClickHouse over its HTTP interface: SQL in, bytes or rows out.

Nothing here changes what was asked, so a statement may bring its own FORMAT clause, or be no query at all.
"""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from deploy.settings import PREFIX, Settings
from schemas.errors import PipelineError, Terminal, Transient

__all__ = ["QueryError", "ask", "rows"]

_CONNECT_TIMEOUT_S: Final = 300
_CHUNK: Final = 1 << 16
_UNKNOWN_DATABASE: Final = "81"
_UNKNOWN_TABLE: Final = "60"
_AUTHENTICATION_FAILED: Final = frozenset({"193", "194", "516"})


class QueryError(PipelineError):
    """ClickHouse refused a statement; the message is its own, shortened to one line."""


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    secure: bool


@contextmanager
def ask(settings: Settings, sql: str, output_format: str, *, use_database: bool = True) -> Iterator[Iterator[bytes]]:
    """Run ``sql`` in the configured database and hand out the answer in pieces, as they arrive.

    ``output_format`` applies unless the statement names one. Without ``use_database`` the database need not exist.

    Raises:
        Transient: ClickHouse does not answer, or stops answering.
        QueryError: ClickHouse refuses the statement.
        Terminal: user or password are wrong, or the database is missing.
    """
    target = _target(settings)
    connect = http.client.HTTPSConnection if target.secure else http.client.HTTPConnection
    connection = connect(target.host, target.port, timeout=_CONNECT_TIMEOUT_S)
    parameters = {"default_format": output_format}
    if use_database:
        parameters["database"] = settings.clickhouse_database
    headers = {
        "X-ClickHouse-User": settings.clickhouse_user,
        "X-ClickHouse-Key": settings.clickhouse_password.get_secret_value(),
    }
    try:
        with _reached(settings):
            connection.request("POST", f"/?{urlencode(parameters)}", body=sql.encode(), headers=headers)
            response = connection.getresponse()
            if response.status != http.HTTPStatus.OK:
                raise _refused(settings, response)
        yield _pieces(settings, response)
    finally:
        connection.close()


def rows(settings: Settings, sql: str, *, use_database: bool = True) -> list[list[Any]]:
    """The rows of a query, each a list of plain values. Raises as ``ask`` does."""
    with ask(settings, sql, "JSONCompactEachRow", use_database=use_database) as pieces:
        return [json.loads(line) for line in b"".join(pieces).splitlines()]


def _target(settings: Settings) -> _Target:
    parts = urlsplit(settings.clickhouse_url)
    secure = parts.scheme == "https"
    return _Target(parts.hostname or "127.0.0.1", parts.port or (8443 if secure else 8123), secure)


@contextmanager
def _reached(settings: Settings) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Transient(
            f"ClickHouse at {settings.clickhouse_url} does not answer ({why}): start it, or set {PREFIX}CLICKHOUSE_URL"
        ) from error


def _pieces(settings: Settings, response: http.client.HTTPResponse) -> Iterator[bytes]:
    with _reached(settings):
        while piece := response.read(_CHUNK):
            yield piece


def _refused(settings: Settings, response: http.client.HTTPResponse) -> PipelineError:
    text = " ".join(response.read().decode(errors="replace").split())
    code = response.headers.get("X-ClickHouse-Exception-Code", "")
    if code in _AUTHENTICATION_FAILED or response.status in {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN}:
        return Terminal(
            f"ClickHouse at {settings.clickhouse_url} refuses user {settings.clickhouse_user!r}: check "
            f"{PREFIX}CLICKHOUSE_USER and {PREFIX}CLICKHOUSE_PASSWORD"
        )
    if code == _UNKNOWN_DATABASE and settings.clickhouse_database in text:
        return Terminal(f"database {settings.clickhouse_database} does not exist: run 'retention migrate'")
    hint = ". Are the migrations current? 'retention migrate' applies them" if code == _UNKNOWN_TABLE else ""
    return QueryError(f"{text.removesuffix('.')}{hint}")
