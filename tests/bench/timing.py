"""How long a short thing takes."""

import time
from collections.abc import Callable

__all__ = ["best_seconds"]


def best_seconds(work: Callable[[], object], tries: int = 3) -> float:
    """The shortest of a few ``tries``: what the machine does besides only ever adds."""
    taken = []
    for _ in range(tries):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken)
