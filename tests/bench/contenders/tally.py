"""How far a contender has come: lines of events done, time and CPU time, written by a thread beside the work."""

import sys
import threading
import time
from typing import Final

__all__ = ["Tally"]

_EVERY_S: Final = 0.1


class Tally:
    """Counts what is done. Whoever does a batch at a time calls ``add``; whoever goes one by one raises ``count``.

    A line holds the count, the monotonic time at which it was reached, and the CPU seconds of this process, its threads
    included.
    """

    def __init__(self) -> None:
        """Nothing is done yet."""
        self.count = 0
        self._reached: tuple[int, float, float] | None = None

    def begin(self) -> None:
        """Say that the work begins, and from now on, ten times a second at most, how far it is."""
        _say(_now(self.count))
        threading.Thread(target=self._write, daemon=True).start()

    def add(self, done: int) -> None:
        """Count ``done`` events as done now."""
        self.count += done
        self._reached = _now(self.count)

    def _write(self) -> None:
        written = 0
        while True:
            time.sleep(_EVERY_S)
            reached = self._reached or _now(self.count)
            if reached[0] > written:
                written = reached[0]
                _say(reached)


def _now(count: int) -> tuple[int, float, float]:
    return count, time.monotonic(), time.process_time()


def _say(reached: tuple[int, float, float]) -> None:
    count, at, cpu = reached
    sys.stdout.write(f"{count} {at:.6f} {cpu:.6f}\n")
    sys.stdout.flush()
