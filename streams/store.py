"""Where the resting records of a partition live: in memory, or on a local disk, for more users than memory holds.

The changelog is the one durable state. What lies on disk belongs to one process, is read by no other, and goes with the
partition, with the process, or, when that was killed, with the next process that starts on the same directory.
"""

import fcntl
import os
import shutil
import tempfile
import weakref
from collections import defaultdict
from collections.abc import ItemsView, Iterator, MutableMapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, overload

from schemas.errors import Terminal

if TYPE_CHECKING:
    from rocksdict import Options

__all__ = ["Records", "RocksRecords", "records_in"]

_Default = TypeVar("_Default")

#: The records of one partition by key. ``update`` takes many at once, ``items`` gives them in any order.
Records: TypeAlias = MutableMapping[bytes, bytes]

#: Memory for blocks, indexes, filters and unwritten records of all partitions of a process together.
_CACHE_BYTES: Final = 128 * 1024 * 1024
#: The part of it that unwritten records may take: of all partitions, and of one.
_UNWRITTEN_BYTES: Final = 64 * 1024 * 1024
_UNWRITTEN_BYTES_OF_ONE: Final = 16 * 1024 * 1024
#: Of a key, in the filters that spare looking for users who are new: one in a hundred is looked for nevertheless.
_FILTER_BITS: Final = 10
_PREFIX: Final = "retention-"
_LOCK: Final = ".lock"


def records_in(directory: Path | None, app_id: str) -> defaultdict[int, Records]:
    """The records of each partition, empty at first: in memory, or in RocksDB under ``directory``.

    Deleting a partition removes its files; the others' go when the process ends. Several processes may share
    ``directory``. Raises ``Terminal`` when it cannot be used or RocksDB is not installed.
    """
    return defaultdict(dict) if directory is None else _StoredRecords(directory, app_id)


class RocksRecords(Records):
    """The records of one partition in a RocksDB of their own. Everything raises ``Terminal`` when the disk fails."""

    def __init__(self, path: Path, options: "Options") -> None:
        """Begin without any record: what lies at ``path`` is thrown away."""
        from rocksdict import Rdict, WriteOptions

        self._path = path
        shutil.rmtree(path, ignore_errors=True)
        try:
            self._db = Rdict(str(path), options)
        except Exception as error:
            raise self._failed(error) from error
        writing = WriteOptions()
        writing.disable_wal = True  # type: ignore[method-assign, assignment]  # a property, which its stub calls a method
        self._db.set_write_options(writing)

    def close(self) -> None:
        """Remove everything. Only an iteration that is under way can still be finished."""
        # It is closed even when it cannot write any more what is thrown away here.
        with suppress(Exception):
            self._db.close()
        shutil.rmtree(self._path, ignore_errors=True)

    @overload
    def get(self, key: bytes, default: None = None, /) -> bytes | None: ...
    @overload
    def get(self, key: bytes, default: bytes | _Default, /) -> bytes | _Default: ...
    def get(self, key: bytes, default: Any = None, /) -> Any:
        """The record of ``key``, or ``default``."""
        # The library raises nothing more special than Exception.
        try:
            return self._db.get(key, default)
        except Exception as error:
            raise self._failed(error) from error

    def __getitem__(self, key: bytes) -> bytes:
        record = self.get(key)
        if record is None:
            raise KeyError(key)
        return record

    def __setitem__(self, key: bytes, value: bytes) -> None:
        try:
            self._db[key] = value
        except Exception as error:
            raise self._failed(error) from error

    def __delitem__(self, key: bytes) -> None:
        self[key]
        try:
            del self._db[key]
        except Exception as error:
            raise self._failed(error) from error

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As of a dict, in one write."""
        from rocksdict import WriteBatch

        batch = WriteBatch(raw_mode=True)
        for key, value in dict(*args, **kwargs).items():
            batch[key] = value
        try:
            self._db.write(batch)
        except Exception as error:
            raise self._failed(error) from error

    def items(self) -> ItemsView[bytes, bytes]:
        """All records, read one after the other, as they were when the iteration began."""
        return _Items(self)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """What ``items`` iterates over."""
        try:
            yield from self._db.items()
        except Exception as error:
            raise self._failed(error) from error

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _ in self.pairs())

    def __len__(self) -> int:
        """By counting: RocksDB keeps no exact number."""
        return sum(1 for _ in self)

    def _failed(self, error: Exception) -> Terminal:
        return Terminal(f"the states in {self._path} cannot be read or written ({error}); see RETENTION_STATE_DIR")


class _Items(ItemsView[bytes, bytes]):
    """Reads key and value together; the inherited view would look each key up again."""

    def __init__(self, records: RocksRecords) -> None:
        super().__init__(records)
        self._records = records

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._records.pairs()


class _StoredRecords(defaultdict[int, Records]):
    """Opens a RocksDB for each partition when it is first asked for."""

    def __init__(self, directory: Path, app_id: str) -> None:
        super().__init__()
        self._options = _options()
        self._app_id = app_id
        # A partition that comes back finds its former files still open while an old iteration holds on to them.
        self._openings = count()
        self._open: dict[int, RocksRecords] = {}
        try:
            self._folder, lock = _claim(directory)
        except OSError as error:
            raise Terminal(
                f"RETENTION_STATE_DIR={str(directory)!r} cannot be used: {error.strerror or error}. "
                "Name a directory on a local disk that the worker may write to, or unset it to keep states in memory"
            ) from error
        # Also when the interpreter ends.
        weakref.finalize(self, _remove, self._folder, lock, self._open)

    def __missing__(self, number: int) -> Records:
        path = self._folder / f"{self._app_id}-{number}.{next(self._openings)}"
        self[number] = self._open[number] = records = RocksRecords(path, self._options)
        return records

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        self._open.pop(number).close()


def _options() -> "Options":
    """For small records that are read one by one, and memory that is bounded over all partitions."""
    try:
        from rocksdict import BlockBasedOptions, Cache, Options, WriteBufferManager
    except ImportError as error:
        raise Terminal(
            "RETENTION_STATE_DIR is set, but RocksDB is not installed: pip install 'retention[rocksdb]', "
            "or unset it to keep states in memory"
        ) from error
    cache = Cache(_CACHE_BYTES)
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_cache_index_and_filter_blocks(True)
    blocks.set_bloom_filter(_FILTER_BITS, block_based=False)
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_size(_UNWRITTEN_BYTES_OF_ONE)
    options.set_write_buffer_manager(
        WriteBufferManager.new_write_buffer_manager_with_cache(_UNWRITTEN_BYTES, False, cache)
    )
    return options


def _claim(directory: Path) -> tuple[Path, int]:
    """A folder of this process's own in ``directory``, and its lock, a file number. Folders of dead processes go."""
    directory.mkdir(parents=True, exist_ok=True)
    turn = os.open(directory, os.O_RDONLY)
    try:
        # A folder whose owner has not locked it yet would look like one of a dead process.
        fcntl.flock(turn, fcntl.LOCK_EX)
        for left in directory.glob(f"{_PREFIX}*{_LOCK}"):
            _remove_if_dead(left)
        lock, name = tempfile.mkstemp(_LOCK, _PREFIX, directory)
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(name).with_suffix("")
        folder.mkdir()
        return folder, lock
    finally:
        os.close(turn)


def _remove_if_dead(left: Path) -> None:
    try:
        lock = os.open(left, os.O_RDWR)
    except OSError:
        return  # Its owner has just ended, or is another user.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
    else:
        _remove(left.with_suffix(""), lock, {})


def _remove(folder: Path, lock: int, opened: dict[int, RocksRecords]) -> None:
    for records in opened.values():
        records.close()
    shutil.rmtree(folder, ignore_errors=True)
    # The lock goes last: whatever is left over must still be found.
    folder.with_suffix(_LOCK).unlink(missing_ok=True)
    os.close(lock)
