"""Bodies of requests: whole, bounded, and decompressed as their header says."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from io import BytesIO

import lz4.frame
import pytest
import zstandard

from deploy.embedded.engine.errors import ClickHouseError, Code
from deploy.embedded.httpd import body

DATA = bytes(range(256)) * 5000


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("", DATA),
        ("gzip", gzip.compress(DATA)),
        ("gzip", gzip.compress(DATA[:1000]) + gzip.compress(DATA[1000:])),
        ("lz4", lz4.frame.compress(DATA)),
        ("zstd", zstandard.compress(DATA)),
        ("zstd", zstandard.compress(DATA[:1000]) + zstandard.compress(DATA[1000:])),
    ],
)
def test_a_body_is_read_as_it_was_before_compression(encoding: str, sent: bytes) -> None:
    assert body.decompressed(BytesIO(sent), encoding).read() == DATA


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_a_body_that_is_not_what_its_header_says_is_refused(encoding: str) -> None:
    with pytest.raises(ClickHouseError) as refusal:
        body.decompressed(BytesIO(b"this is not compressed"), encoding).read()
    assert refusal.value.code == Code.CANNOT_DECOMPRESS


def test_an_unknown_compression_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClickHouseError, match="gzip, lz4, zstd") as refusal:
        body.decompressed(BytesIO(), "br")
    assert refusal.value.code == Code.NOT_IMPLEMENTED


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_a_small_body_that_grows_too_large_is_refused(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = body.compress(DATA, encoding)
    monkeypatch.setattr(body, "MAX_BODY_BYTES", len(DATA) - 1)
    with pytest.raises(ClickHouseError) as refusal:
        body.decompressed(BytesIO(sent), encoding).read()
    assert refusal.value.code == Code.QUERY_IS_TOO_LARGE


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def test_chunks_are_spooled_in_order() -> None:
    file, size = asyncio.run(body.spool(_chunks(b"ab", b"", b"c")))
    with file:
        assert (file.read(), size) == (b"abc", 3)


def test_a_body_that_does_not_say_its_length_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_BODY_BYTES", 3)
    with pytest.raises(ClickHouseError) as refusal:
        asyncio.run(body.spool(_chunks(b"ab", b"cd")))
    assert refusal.value.code == Code.QUERY_IS_TOO_LARGE


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate", "gzip"),
        ("gzip;q=1, zstd;q=0.5", "zstd"),
        ("lz4", "lz4"),
        ("br", ""),
        ("", ""),
        ("identity", ""),
    ],
)
def test_the_answer_takes_a_compression_that_the_client_offers(accepted: str, chosen: str) -> None:
    assert body.negotiate(accepted) == chosen
