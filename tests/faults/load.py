"""Hostile data in the order of sending, cut into parts between which something fails."""

from tests.e2e.pipeline import PARTITIONS
from tests.oracle.dataset import Size, generate
from tests.oracle.judge import Message

__all__ = ["in_parts"]

_SIZE = Size(users=6, days=35)


def in_parts(seed: int, count: int) -> list[list[Message]]:
    """The same ``count`` parts for the same ``seed``."""
    messages = generate(seed, _SIZE).messages(PARTITIONS)
    return [messages[part * len(messages) // count : (part + 1) * len(messages) // count] for part in range(count)]
