"""Records on disk are the records of a dict, belong to one process, and leave nothing behind."""

import gc
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Terminal
from streams.store import Records, RocksRecords, records_in
from tests.unit.streams.world import World

KEYS = st.binary(max_size=2) | st.sampled_from([b"a", b"b", b"c"])
VALUES = st.binary(max_size=40)

Operation = Callable[[Records], object]

OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(lambda key: lambda records: records.get(key), KEYS),
    st.builds(lambda key, value: lambda records: records.get(key, value), KEYS, VALUES),
    st.builds(lambda key, value: lambda records: records.__setitem__(key, value), KEYS, VALUES),
    st.builds(lambda key: lambda records: records.pop(key, None), KEYS),
    st.builds(lambda pairs: lambda records: records.update(pairs), st.lists(st.tuples(KEYS, VALUES))),
    st.builds(lambda key: lambda records: key in records, KEYS),
    st.just(lambda records: sorted(records.items())),
    st.just(len),
)

CLAIM = """
import sys, time
from pathlib import Path
from streams.store import records_in
partitions = records_in(Path(sys.argv[1]), "app")
partitions[0][b"key"] = b"value"
print("ready", flush=True)
if sys.argv[2] == "sleep":
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Records]]:
    """Gives empty records on disk, a partition of its own for each."""
    partitions, numbers = records_in(tmp_path_factory.mktemp("store"), "app"), count()
    yield lambda: partitions[next(numbers)]
    for number in list(partitions):
        del partitions[number]


@given(operations=st.lists(OPERATIONS, max_size=60))
def test_records_on_disk_do_what_a_dict_does(fresh: Callable[[], Records], operations: list[Operation]) -> None:
    known: dict[bytes, bytes] = {}
    stored = fresh()
    for operation in operations:
        assert operation(stored) == operation(known)
    assert stored == known
    assert isinstance(stored, RocksRecords)
    stored.close()


def test_without_a_directory_records_are_in_memory() -> None:
    assert type(records_in(None, "app")[3]) is dict


def test_many_records_that_leave_memory_are_all_there_and_in_one_piece(tmp_path: Path) -> None:
    partitions = records_in(tmp_path, "app")
    expected = {b"%d" % number: b"%d" % number * 400 for number in range(20_000)}
    for first in range(0, 20_000, 1_000):
        partitions[0].update({key: expected[key] for key in (b"%d" % number for number in range(first, first + 1_000))})
    assert list(tmp_path.rglob("*.sst"))
    assert dict(partitions[0].items()) == expected
    assert partitions[0].get(b"19999") == expected[b"19999"]


def test_what_is_iterated_over_stays_as_it_was_when_the_partition_is_given_up(tmp_path: Path) -> None:
    partitions = records_in(tmp_path, "app")
    partitions[0].update((b"%d" % number, b"before") for number in range(10))
    reading = iter(partitions[0].items())
    next(reading)
    del partitions[0]
    partitions[0][b"new"] = b"after"
    assert [value for _, value in reading] == [b"before"] * 9
    assert dict(partitions[0]) == {b"new": b"after"}


def test_a_partition_that_is_given_up_leaves_no_files_and_comes_back_empty(tmp_path: Path) -> None:
    partitions = records_in(tmp_path, "app")
    partitions[0][b"key"] = partitions[1][b"key"] = b"value"
    del partitions[0]
    assert [path.name.partition(".")[0] for path in tmp_path.glob("*/*")] == ["app-1"]
    assert dict(partitions[0]) == {}
    assert dict(partitions[1]) == {b"key": b"value"}


def test_nothing_is_left_when_it_is_no_longer_used(tmp_path: Path) -> None:
    partitions = records_in(tmp_path, "app")
    partitions[0][b"key"] = b"value"
    assert list(tmp_path.iterdir())
    del partitions
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def claim(directory: Path, then: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", CLAIM, str(directory), then], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_nothing_is_left_when_the_process_ends(tmp_path: Path) -> None:
    with claim(tmp_path, "end") as process:
        assert process.wait() == 0
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    foreign = tmp_path / "retention-of-others"
    foreign.mkdir()
    with claim(tmp_path, "sleep") as dead, claim(tmp_path, "sleep") as living:
        try:
            before = set(tmp_path.glob("*/app-0.0"))
            dead.send_signal(signal.SIGKILL)
            dead.wait()
            partitions = records_in(tmp_path, "app")
            left = set(tmp_path.glob("*/app-0.0"))
            assert len(before) == 2
            assert len(left) == 1
            assert left < before
            assert dict(partitions[0]) == {}
            assert (next(iter(left)) / "CURRENT").exists()
            assert foreign.exists()
        finally:
            living.kill()


def test_a_file_in_the_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Terminal, match=r"RETENTION_STATE_DIR='.*file' cannot be used: File exists"):
        records_in(tmp_path / "file", "app")


def test_rocksdb_that_is_not_installed_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    with pytest.raises(Terminal, match=r"pip install 'retention\[rocksdb\]'") as caught:
        records_in(tmp_path, "app")
    assert "\n" not in str(caught.value)


def test_a_disk_that_fails_stops_the_worker_with_its_place(tmp_path: Path) -> None:
    partitions = records_in(tmp_path, "app")
    records = partitions[0]
    assert isinstance(records, RocksRecords)
    records.close()
    operations: list[Operation] = [
        lambda records: records.get(b"key"),
        lambda records: records.__setitem__(b"key", b"value"),
        lambda records: records.update([(b"key", b"value")]),
        lambda records: list(records.items()),
    ]
    for operation in operations:
        with pytest.raises(Terminal, match=r"the states in .*app-0.* cannot be read or written"):
            operation(records)


async def test_a_worker_makes_the_same_rows_and_changelog_as_from_memory(tmp_path: Path) -> None:
    worlds = [World(), World(state_dir=tmp_path)]
    for world in worlds:
        for day in range(3):
            await world.start()
            world.send(event(number, day) for number in range(30))
            await world.read_all()
            await world.worker.flush()
    memory, disk = worlds
    assert disk.rows == memory.rows
    assert disk.changelog == memory.changelog
    assert type(disk.table.records[0]) is RocksRecords
    assert dict(disk.table.records[0]) == memory.table.records[0]


def event(number: int, day: int) -> dict[str, object]:
    at = 1_700_000_000_000 + day * 86_400_000 + number
    return {
        "event_id": f"{day}-{number}",
        "app_id": "app",
        "user_id": f"u{number % (10 + day)}",
        "event": "app_open",
        "ts": at,
    }
