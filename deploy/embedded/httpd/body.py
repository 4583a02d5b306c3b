"""A request's body: taken to a temporary file first, then read decompressed, bounded both ways.

The body goes to a file before the engine sees it, so a client that stalls or breaks off holds up no statement and
leaves no half of an INSERT. The file has no name: nothing stays behind, whatever ends the process.
"""

import gzip
import io
import tempfile
import zlib
from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING, BinaryIO, cast

import lz4.frame
import zstandard

from deploy.embedded.engine.errors import ClickHouseError, Code

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

__all__ = ["MAX_BODY_BYTES", "body_too_large", "compress", "decompressed", "negotiate", "spool"]

#: Largest body of a request, as sent and as decompressed.
MAX_BODY_BYTES = 1 << 30
_IN_MEMORY_BYTES = 4 << 20

_READERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "gzip": lambda source: cast(BinaryIO, gzip.GzipFile(fileobj=source, mode="rb")),
    "lz4": lambda source: cast(BinaryIO, lz4.frame.LZ4FrameFile(source)),
    "zstd": lambda source: cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)),
}
#: In ClickHouse's order of preference.
_WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "lz4": lambda data: cast(bytes, lz4.frame.compress(data)),
    "gzip": lambda data: gzip.compress(data, compresslevel=3),
    "deflate": lambda data: zlib.compress(data, level=3),
}


async def spool(content: AsyncIterable[bytes], already: int = 0) -> tuple[BinaryIO, int]:
    """The chunks of ``content`` in an unnamed file, at its start; and how many bytes they and ``already`` are."""
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # noqa: SIM115 (the caller closes it)
    size = already
    try:
        async for chunk in content:
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise body_too_large()
            file.write(chunk)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file, size


def decompressed(source: BinaryIO, encoding: str) -> BinaryIO:
    """``source`` as it was before the compression that Content-Encoding names; reading raises ClickHouseError."""
    if encoding in ("", "identity"):
        return source
    reader = _READERS.get(encoding)
    if reader is None:
        known = ", ".join(_READERS)
        raise ClickHouseError.of(Code.NOT_IMPLEMENTED, f"Unknown compression method {encoding!r}; served are {known}.")
    return io.BufferedReader(_Bounded(reader(source)), 1 << 20)


def negotiate(accepted: str) -> str:
    """The compression of the answer for an Accept-Encoding header; empty for none."""
    offered = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    return next((name for name in _WRITERS if name in offered), "")


def compress(data: bytes, encoding: str) -> bytes:
    """``data`` in one of the compressions that ``negotiate`` returns."""
    return _WRITERS[encoding](data) if encoding else data


def body_too_large() -> ClickHouseError:
    """The refusal of a body of more than MAX_BODY_BYTES."""
    return ClickHouseError.of(Code.QUERY_IS_TOO_LARGE, f"The request's body is larger than {MAX_BODY_BYTES} bytes.")


class _Bounded(io.RawIOBase):
    """Reads a decompressor, turns its errors into ClickHouse's, and stops a bomb."""

    def __init__(self, source: BinaryIO) -> None:
        """``source`` yields decompressed bytes."""
        self._source = source
        self._left = MAX_BODY_BYTES

    def readable(self) -> bool:
        """Asked by BufferedReader."""
        return True

    def readinto(self, buffer: "Buffer", /) -> int:
        """Called by BufferedReader."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(len(view))
        except (OSError, EOFError, RuntimeError, zlib.error, zstandard.ZstdError) as error:
            raise ClickHouseError.of(
                Code.CANNOT_DECOMPRESS, f"Cannot decompress the request's body: {error}."
            ) from error
        self._left -= len(data)
        if self._left < 0:
            raise body_too_large()
        view[: len(data)] = data
        return len(data)
