"""Hostile data in the order of sending, cut into parts between which something fails."""

import time
from collections.abc import Callable
from typing import Final

from tests.e2e.pipeline import PARTITIONS, Pipeline
from tests.oracle.dataset import Size, generate
from tests.oracle.judge import Message

__all__ = ["feed", "in_parts"]

_SIZE: Final = Size(users=6, days=35)
_DEADLINE_S: Final = 60.0


def in_parts(seed: int, count: int) -> list[list[Message]]:
    """The same ``count`` parts for the same ``seed``."""
    messages = generate(seed, _SIZE).messages(PARTITIONS)
    return [messages[part * len(messages) // count : (part + 1) * len(messages) // count] for part in range(count)]


def feed(pipeline: Pipeline, parts: list[list[Message]], keep: int, happened: Callable[[], bool]) -> bool:
    """Publish ``parts`` one after the other but for the last ``keep``; whether ``happened`` came true, then or later.

    A part waits until the one before it is folded: on a machine however slow, each stage is passed for each part.
    """
    deadline = time.monotonic() + _DEADLINE_S
    while not happened():
        if time.monotonic() > deadline:
            return False
        if len(parts) > keep and pipeline.is_folded():
            pipeline.publish(parts.pop(0))
        time.sleep(0.1)
    return True
