"""What processes use, read from Linux's /proc: CPU time and memory of whole process groups."""

import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

__all__ = ["cpu_seconds", "members", "peak_mib", "resident_bytes", "wait_until_quiet"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_LOOK_S: Final = 0.5
_QUIET_SHARE: Final = 0.1
#: Places of fields in /proc/PID/stat, counted from the one after the name.
_GROUP: Final = 2
_CPU: Final = slice(11, 15)  # user and system time, and the same of children that have ended


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:  # it has ended
        return []


def members(group: int) -> list[int]:
    """The processes of process group ``group``."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if (fields := _stat(pid)) and int(fields[_GROUP]) == group]


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of ``pids``, their threads included."""
    return sum(int(ticks) for pid in pids for ticks in _stat(pid)[_CPU]) / _TICKS


def wait_until_quiet(pids: Collection[int], most_s: float) -> None:
    """Return when ``pids`` together have used less than a tenth of a core for half a second, or after ``most_s``."""
    end = time.monotonic() + most_s
    before = cpu_seconds(pids)
    while time.monotonic() < end:
        time.sleep(_LOOK_S)
        now = cpu_seconds(pids)
        if now - before < _LOOK_S * _QUIET_SHARE:
            return
        before = now


def resident_bytes(pid: int) -> int:
    """Memory that process ``pid`` holds now; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def peak_mib(pids: Iterable[int]) -> float:
    """The most memory that each of ``pids`` has ever held, added up."""
    return sum(_peak_kib(pid) for pid in pids) / 1024


def _peak_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
