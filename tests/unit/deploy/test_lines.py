import gzip
import io
import sys
from pathlib import Path

import pytest

from deploy.lines import Lines, key_of
from schemas.errors import Terminal


def _ignore(_read: int) -> None:
    """Progress is of no interest."""


def _values(*files: Path | str) -> list[bytes]:
    with Lines([str(file) for file in files]) as lines:
        return [line.value for line in lines.read(_ignore)]


def test_lines_come_in_order_without_their_ends_and_without_blank_ones(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf1\r\n\n  \n2 \n3")
    (tmp_path / "b").write_bytes(gzip.compress(b"4\n5\n"))
    assert _values(tmp_path / "b", tmp_path / "a") == [b"4", b"5", b"1", b"2 ", b"3"]


def test_a_line_knows_its_number_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\nx\n")
    with Lines([str(tmp_path / "a")]) as lines:
        [line] = lines.read(_ignore)
    assert (line.file, line.number) == (str(tmp_path / "a"), 2)


def test_files_can_be_read_twice_and_progress_adds_up_to_their_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"n": 1}\n' * 10_000)
    (tmp_path / "b").write_bytes(gzip.compress(b'{"n": 1}\n' * 10_000))
    with Lines([str(tmp_path / "a"), str(tmp_path / "b")]) as lines:
        for _ in range(2):
            read: list[int] = []
            assert sum(1 for _ in lines.read(read.append)) == 20_000
            assert sum(read) == lines.total_bytes
            assert len(read) > 2
            assert min(read) >= 0


def test_standard_input_can_be_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"1\n2\n"))))
    with Lines(["-"]) as lines:
        for _ in range(2):
            assert [line.value for line in lines.read(_ignore)] == [b"1", b"2"]


def test_a_missing_file_is_named_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1\n")
    with (
        pytest.raises(Terminal, match=r"nowhere cannot be read: No such file"),
        Lines([str(tmp_path / "a"), "nowhere"]),
    ):
        pytest.fail("opened")


def test_damaged_gzip_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(range(256)) * 1000)[:-20])
    with pytest.raises(Terminal, match=r"a\.gz is damaged gzip"):
        _values(tmp_path / "a.gz")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b'{"user_id": "u1"}', b"u1"),
        ('{"user_id": "用户 一"}'.encode(), "用户 一".encode()),
        (rb'{"user_id": "\u7528"}', "用".encode()),
        (b'{"user_id": ""}', None),
        (b'{"user_id": 7}', None),
        (b'{"user_id": null}', None),
        (b"{}", None),
        (b"[]", None),
        (b"7", None),
        (b'"user_id"', None),
        (b"null", None),
        (b"{", None),
        (b"\xff\xfe", None),
        (rb'{"user_id": "\ud800"}', None),
        (b"[" * 100_000, None),
    ],
)
def test_the_key_is_the_user_or_none(value: bytes, key: bytes | None) -> None:
    assert key_of(value) == key
