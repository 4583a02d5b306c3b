"""Sessions of the HTTP interface: requests that share settings and temporary tables by naming one ``session_id``."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.embedded.engine.connection import Connection
from deploy.embedded.engine.errors import ClickHouseError, Code

__all__ = ["SessionKey", "Sessions"]


@dataclass(frozen=True, slots=True)
class SessionKey:
    """What a request says of its session. ``timeout`` in seconds without a request, after which the session ends."""

    id: str
    timeout: int = 60
    must_exist: bool = False
    close: bool = False


@dataclass(slots=True)
class _Session:
    connection: Connection
    expires: float
    busy: bool = True


class Sessions:
    """All open sessions. Safe for use by several threads."""

    def __init__(self, connect: Callable[[], Connection], clock: Callable[[], float] = time.monotonic) -> None:
        """``connect`` opens a connection for a new session; ``clock`` counts seconds."""
        self._connect = connect
        self._clock = clock
        self._open: dict[str, _Session] = {}
        self._lock = threading.Lock()

    @contextmanager
    def session(self, key: SessionKey) -> Iterator[Connection]:
        """The session's connection, for this request alone.

        Raises ClickHouseError: SESSION_IS_LOCKED while another request uses it, SESSION_NOT_FOUND if it had to exist.
        """
        with self._lock:
            self._close_expired()
            session = self._acquire(key)
        try:
            yield session.connection
        finally:
            with self._lock:
                session.busy = False
                session.expires = self._clock() + key.timeout
                if key.close or session.connection.spent:
                    del self._open[key.id]
                    session.connection.close()

    def _acquire(self, key: SessionKey) -> _Session:
        session = self._open.get(key.id)
        if session is None:
            if key.must_exist:
                raise ClickHouseError.of(Code.SESSION_NOT_FOUND, f"Session {key.id} not found.")
            session = self._open[key.id] = _Session(self._connect(), expires=0)
        elif session.busy:
            raise ClickHouseError.of(Code.SESSION_IS_LOCKED, f"Session {key.id} is locked by a concurrent client.")
        session.busy = True
        return session

    def _close_expired(self) -> None:
        now = self._clock()
        for name in [name for name, one in self._open.items() if not one.busy and one.expires < now]:
            self._open.pop(name).connection.close()

    def close(self) -> None:
        """End all sessions."""
        with self._lock:
            for session in self._open.values():
                session.connection.close()
            self._open.clear()
