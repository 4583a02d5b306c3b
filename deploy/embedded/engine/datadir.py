"""The right to use a data directory: one process at a time, given back by the operating system whatever happens."""

import fcntl
import os
from pathlib import Path
from typing import Self

from deploy.embedded.engine.errors import DataDirError

__all__ = ["DataDirLock"]

_LOCK = "retention.lock"


class DataDirLock:
    """Holds a directory until ``release()`` or the end of the process, kill -9 included."""

    def __init__(self, data_dir: Path, *, create: bool = True) -> None:
        """Take ``data_dir``, made first if missing and ``create``.

        Raises DataDirError, in one line, when another process holds it, it is missing, or it cannot be written.
        """
        if not create and not data_dir.is_dir():
            raise DataDirError(f"no data at {data_dir}: the directory does not exist")
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(data_dir / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataDirError(f"cannot use data directory {data_dir}: {error.strerror}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._fd, 32).decode(errors="replace").strip()
            os.close(self._fd)
            raise DataDirError(
                f"data directory {data_dir} is in use by process {holder or '?'}: "
                "stop it, query its port, or choose another directory"
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others use the directory."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
