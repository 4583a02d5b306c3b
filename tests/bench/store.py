"""What the records of users at rest cost in memory and on disk: resident memory, CPU of recovery, reads and writes.

    python -m tests.bench.store [--users 200000,600000] [--folder /tmp]

One process for each figure, so that none inherits memory. CPU counts all threads, RocksDB's too. No broker takes part.
"""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Final

from streams.codec import encode_key, encode_user
from streams.core.state import UserState
from streams.store import Records, records_in
from tests.bench.processes import resident_bytes

_AT_ONCE: Final = 2_000
_TOUCHED: Final = 100_000
_SPREAD: Final = 0x9E3779B97F4A7C15


def main() -> None:
    """Measure each number of users in memory and on disk, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", default="200000,600000", help="numbers of users, separated by commas")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="a folder on the disk to use")
    options = parser.parse_args()
    print("records       users       MiB  disk MiB   recover      scan       get    update   (CPU: µs per user)")
    context = multiprocessing.get_context("spawn")
    for users in (int(number) for number in options.users.split(",")):
        for name, folder in (("memory", None), ("RocksDB", options.folder)):
            figures: SimpleQueue[list[float]] = context.SimpleQueue()
            process = context.Process(target=_measure, args=(users, folder, figures))
            process.start()
            print(f"{name:<9}{users:>10}" + "".join(f"{figure:>10.1f}" for figure in figures.get()), flush=True)
            process.join()


def _measure(users: int, folder: Path | None, figures: "SimpleQueue[list[float]]") -> None:
    before = resident_bytes(os.getpid())
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        partitions = records_in(Path(directory) if folder else None, "bench")
        records = partitions[0]
        made, recovered, updated = _records(range(users)), 0.0, 0.0
        while some := list(islice(made, _AT_ONCE)):
            recovered += _recover(records, some)
        begin = time.process_time()
        assert sum(1 for _ in records.items()) == users
        scanned = time.process_time() - begin
        touched = random.Random(1).choices(range(users), k=_TOUCHED)
        keys = [_key(number) for number in touched]
        begin = time.process_time()
        assert all(records.get(key) for key in keys)
        got = time.process_time() - begin
        again = _records(touched)
        while some := list(islice(again, _AT_ONCE)):
            begin = time.process_time()
            records.update(some)
            updated += time.process_time() - begin
        sizes = (
            resident_bytes(os.getpid()) - before,
            sum(path.stat().st_size for path in Path(directory).rglob("*.sst")),
        )
        cpu = ((recovered, users), (scanned, users), (got, _TOUCHED), (updated, _TOUCHED))
        figures.put([size / 2**20 for size in sizes] + [seconds * 1e6 / count for seconds, count in cpu])
        del partitions[0]


def _recover(records: Records, some: list[tuple[bytes, bytes]]) -> float:
    begin = time.process_time()
    for key, value in some:
        records.get(key)
        records[key] = value
    return time.process_time() - begin


def _key(number: int) -> bytes:
    # Users come in another order than their keys have.
    return encode_key("wx1234567890abcdef", f"oABCD{number * _SPREAD % 2**64:022d}")


def _records(numbers: Iterable[int]) -> Iterator[tuple[bytes, bytes]]:
    for number in numbers:
        user = UserState()
        user.offset, user.accepted = number, 1 + number % 50
        user.last_day, user.days = 20_000, random.getrandbits(30) | 1
        user.first_ts, user.first_tie = 1_700_000_000_000 + number, random.randbytes(8)
        yield _key(number), encode_user(user)


if __name__ == "__main__":
    main()
