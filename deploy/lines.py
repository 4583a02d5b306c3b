"""The lines of NDJSON files: plain or gzip, several in the order given, ``-`` for standard input."""

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

from pydantic_core import from_json

from schemas.errors import Terminal

__all__ = ["Line", "Lines", "key_of"]

_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_REPORT_EVERY: Final = 2_000
_STDIN: Final = "-"


class Line(NamedTuple):
    """One message: the bytes without the line end, and where they stand."""

    file: str
    number: int
    value: bytes


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    raw: IO[bytes]
    size: int


def key_of(value: bytes) -> bytes | None:
    """The Kafka key of a message, its ``user_id``; ``None`` when it has none, and the pipeline will refuse it."""
    try:
        user_id = from_json(value)["user_id"]
    except (ValueError, TypeError, KeyError, IndexError):
        return None
    return user_id.encode() if isinstance(user_id, str) and user_id else None


class Lines:
    """Files opened for reading, any number of times, as one sequence of messages.

    A context manager. Blank lines are no messages. Standard input is copied to a temporary file first, because
    checking and publishing are two passes.

    Raises:
        Terminal: a file cannot be read, or is damaged.
    """

    def __init__(self, files: Sequence[str]) -> None:
        """Read ``files`` in this order; ``-`` is standard input."""
        self._files = tuple(files)
        self._sources: list[_Source] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open all files, so that a missing one is found before anything is published."""
        with ExitStack() as stack:
            for name in self._files:
                self._sources.append(self._open(stack, name))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close all files."""
        self._stack.close()

    @staticmethod
    def _open(stack: ExitStack, name: str) -> _Source:
        if name == _STDIN:
            spool = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
            shutil.copyfileobj(sys.stdin.buffer, spool)
            return _Source("standard input", spool, spool.tell())
        try:
            raw = stack.enter_context(Path(name).open("rb"))  # noqa: SIM115 - the stack closes it
            return _Source(name, raw, Path(name).stat().st_size)
        except OSError as error:
            raise Terminal(f"{name} cannot be read: {error.strerror}") from error

    @property
    def total_bytes(self) -> int:
        """Bytes of all files as they are on disk, compressed or not."""
        return sum(source.size for source in self._sources)

    def read(self, report: Callable[[int], None]) -> Iterator[Line]:
        """Every message of every file, from the start.

        ``report`` is called now and then with the number of bytes of the files that have been read since the last call.
        """
        for source in self._sources:
            source.raw.seek(0)
            magic = source.raw.read(len(_GZIP_MAGIC))
            source.raw.seek(0)
            stream: Iterable[bytes] = gzip.GzipFile(fileobj=source.raw) if magic == _GZIP_MAGIC else source.raw
            before = 0
            try:
                for number, text in enumerate(stream, 1):
                    if number % _REPORT_EVERY == 0:
                        at = source.raw.tell()
                        report(at - before)
                        before = at
                    value = text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text
                    value = value.rstrip(b"\r\n")
                    if value.strip():
                        yield Line(source.name, number, value)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise Terminal(
                    f"{source.name} is damaged gzip ({error}): compress it again, or pass it uncompressed"
                ) from error
            report(source.size - before)
