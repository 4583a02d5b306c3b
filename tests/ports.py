"""Ports for what tests start: each is given once on this machine, however many test processes run beside each other.

A port that was merely found free may be gone when its service binds it, or while its service is down: to another test,
or to any outgoing connection, for which the system takes ports from its own range. So these lie below that range, and
each is locked until this process ends.
"""

import fcntl
import os
from pathlib import Path
from tempfile import gettempdir
from typing import IO, Final

from deploy.embedded.ports import is_taken

__all__ = ["reserve_port"]

#: Linux connects from 32768 upwards, macOS from 49152.
_FIRST: Final = 20_000
_LAST: Final = 31_999
_locks: Final[list[IO[bytes]]] = []


def reserve_port() -> int:
    """A port of this process's own. Raises RuntimeError when none is left."""
    folder = Path(gettempdir()) / f"retention-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for port in range(_FIRST, _LAST + 1):
        lock = (folder / str(port)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        if is_taken(port):
            lock.close()
            continue
        _locks.append(lock)
        return port
    raise RuntimeError(f"no port from {_FIRST} to {_LAST} is left: see {folder}")
