"""The connection to ClickHouse over HTTP, and what each of its failures means.

``Transient`` passes by itself: the server is away, starting, overloaded or out of a resource. ``Terminal`` does not: it
says which setting, grant or command mends it. An error code that is in neither list is ``Terminal``, because retrying
for ever what is not understood would hide it.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError
from typing import Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, Error, OperationalError

from schemas.errors import PipelineError, Terminal, Transient

__all__ = ["Client", "connect", "named_errors", "translate"]

CONNECT_TIMEOUT_S: Final = 5
#: An insert of one flush takes milliseconds; a server that is silent for longer is retried.
REQUEST_TIMEOUT_S: Final = 30

_PORTS: Final = {"http": 8123, "https": 8443}

# Codes: src/Common/ErrorCodes.cpp of ClickHouse.
_TRANSIENT_CODES: Final = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        201,  # QUOTA_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        473,  # DEADLOCK_AVOIDED
        499,  # S3_ERROR
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)
_CREDENTIALS: Final = "check RETENTION_CLICKHOUSE_USER and RETENTION_CLICKHOUSE_PASSWORD"
_MIGRATE: Final = "run `retention migrate`, and check RETENTION_CLICKHOUSE_DATABASE"
_ROWS: Final = "the tables do not fit this version of the code: run `retention migrate` of the same version"
_WAYS_OUT: Final = {
    16: _ROWS,  # NO_SUCH_COLUMN_IN_TABLE
    27: _ROWS,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
    53: _ROWS,  # TYPE_MISMATCH
    60: _MIGRATE,  # UNKNOWN_TABLE
    81: _MIGRATE,  # UNKNOWN_DATABASE
    192: _CREDENTIALS,  # UNKNOWN_USER
    193: _CREDENTIALS,  # WRONG_PASSWORD
    194: _CREDENTIALS,  # REQUIRED_PASSWORD
    497: "grant the user SELECT, INSERT, CREATE and ALTER on the database",  # ACCESS_DENIED
    516: _CREDENTIALS,  # AUTHENTICATION_FAILED
}
_STATUS: Final = re.compile(r"HTTP status (\d{3})")
_STATUS_WAYS_OUT: Final = {
    401: _CREDENTIALS,
    403: _CREDENTIALS,
    404: "check that RETENTION_CLICKHOUSE_URL is ClickHouse's HTTP interface",
}
_REQUEST_TIMEOUT: Final = 408
_SERVER_ERROR: Final = 500


def connect(url: str, user: str, password: str, database: str) -> Client:
    """Connect to the HTTP interface at ``url``, such as ``http://127.0.0.1:8123``.

    The database need not exist yet, so that ``migrate`` can create it. The client may be shared by threads.

    Raises:
        Transient: nobody answers there, or the server is not ready.
        Terminal: the URL is malformed, or the server refuses the user.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Terminal(f"ClickHouse URL {_without_credentials(url)!r} is not of the form http://HOST:PORT")
    if parts.username or parts.password:
        raise Terminal(
            "the ClickHouse URL holds a user or password: set RETENTION_CLICKHOUSE_USER and _PASSWORD instead"
        )
    # Every failure is raised, so what these would log is the same once more, on each attempt of a retry.
    for library in ("clickhouse_connect", "urllib3.connectionpool"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with named_errors(url):
        client = clickhouse_connect.get_client(
            interface=parts.scheme,
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            proxy_path=parts.path,
            username=user,
            password=password,
            compress="lz4",
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=REQUEST_TIMEOUT_S,
            # One session admits one query at a time; without one, threads share the client.
            autogenerate_session_id=False,
            dedicated_pool=True,
            show_clickhouse_errors="scrub",
            client_name="retention",
        )
    client.database = database
    return client


@contextmanager
def named_errors(url: str) -> Iterator[None]:
    """Raise every failure of the driver as ``Transient`` or ``Terminal``."""
    try:
        yield
    except (ClickHouseError, OSError) as error:
        raise translate(error, url) from error


def translate(error: Exception, url: str) -> PipelineError:
    """What ``error``, raised by the driver on a request to ``url``, means for the pipeline."""
    text = f"ClickHouse at {url}: {_reason(error)}"
    code = error.code if isinstance(error, Error) else None
    status = _status(error)
    way_out = _WAYS_OUT.get(code or 0) or _STATUS_WAYS_OUT.get(status)
    if isinstance(_root(error), SSLCertVerificationError):
        way_out = "install the certificate of its authority, or use one that the system trusts"
    if way_out:
        return Terminal(f"{text}; {way_out}")
    if code is not None:
        passes = code in _TRANSIENT_CODES
    else:
        # The driver raises OperationalError for a broken connection, a timeout, and the statuses 429, 503 and 504.
        passes = isinstance(error, (OperationalError, OSError)) or status == _REQUEST_TIMEOUT or status >= _SERVER_ERROR
    return Transient(text) if passes else Terminal(text)


def _status(error: Exception) -> int:
    """The HTTP status of an answer that is not ClickHouse's own, such as a proxy's; else 0."""
    found = _STATUS.search(str(error)) if isinstance(error, DatabaseError) else None
    return int(found[1]) if found else 0


def _reason(error: Exception) -> str:
    """One line that says what happened, without the wrappings of the HTTP stack."""
    root = _root(error)
    if isinstance(root, TimeoutError):
        return "no answer in time"
    if isinstance(root, OSError):
        return root.strerror or str(root)
    text = str(error).partition("server response: ")[2] or str(root)
    return text.partition("\n")[0].strip() or type(root).__name__


def _root(error: BaseException) -> BaseException:
    """The failure at the bottom of ``error``: urllib3 keeps it as ``reason``, Python as the cause."""
    while isinstance(cause := getattr(error, "reason", None) or error.__cause__, BaseException):
        error = cause
    return error


def _without_credentials(url: str) -> str:
    return re.sub(r"//[^@/]*@", "//", url)
