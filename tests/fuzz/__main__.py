"""Fuzz the event contract and the codec.

    python -m tests.fuzz [--events N] [--records N] [--seed N]

The same seed gives the same inputs. Ends with status 1 when an input crashed something, was accepted against the
contract, refused although the contract allows it, or read as another one; or when memory grew without bound.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fuzz.events import EventFuzz
from tests.fuzz.mutate import Mutator
from tests.fuzz.records import RecordFuzz

__all__ = ["main"]

_REPORT_EVERY: Final = 500_000
_MOST_GROWTH_MIB: Final = 64
_MOST_FINDINGS: Final = 20


def _resident_mib() -> float:
    """Resident memory, where the system says (Linux)."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def _drive(name: str, steps: Iterator[int], total: int, findings: list[str]) -> float:
    """Run ``steps`` to their end, print progress, and give the growth of memory after a warm-up, in MiB."""
    began, warm, peak = time.monotonic(), 0.0, 0.0
    for done in steps:
        peak = max(peak, _resident_mib())
        if not warm and done >= total // 20:
            warm = peak
        if done % _REPORT_EVERY == 0 or done == total:
            rate = done / (time.monotonic() - began)
            print(f"{name}: {done:,} done, {rate:,.0f}/s, {peak:.0f} MiB, {len(findings)} findings", flush=True)
        if len(findings) >= _MOST_FINDINGS:
            break
    return peak - warm


def main() -> int:
    """Run both and print what became of the inputs; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the event contract and the codec.")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    events, records = EventFuzz(), RecordFuzz(options.seed)
    growth = [
        _drive("events", events.run(Mutator(options.seed), options.events), options.events, events.findings),
        _drive("records", records.run(options.records), options.records, records.findings),
    ]
    for name, fuzz in (("events", events), ("records", records)):
        print(f"{name}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(fuzz.counts.items())))
    for finding in events.findings + records.findings:
        print(f"FINDING {finding}")
    print(f"memory grew by {max(growth):.0f} MiB after the warm-up; {len(events.findings + records.findings)} findings")
    return 1 if events.findings or records.findings or max(growth) > _MOST_GROWTH_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
