"""The seeded stream of one generation: hostile data over a growing timeline, and how it is cut and sent."""

import random
from dataclasses import dataclass, replace

from tests.oracle.dataset import Line, Size, generate
from tests.oracle.judge import Message
from tests.oracle.murmur2 import partition_of

__all__ = ["Plan", "plan"]

_HOSTILE = "hostile 敌".encode()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one generation publishes, in the order of sending, and the settings it runs with."""

    messages: tuple[Message, ...]
    partitions: int
    flush_interval_s: float
    events_per_second: int


def plan(seed: int, generation: int, most: int) -> Plan:
    """The same plan for the same arguments, of at most ``most`` messages."""
    chance = random.Random(f"plan {seed} {generation}")
    partitions = chance.choice((2, 4, 4, 6))
    # With many events on the wrong partition, both input topics of a partition are busy at the same time.
    astray = chance.choice((0.0, 0.05, 0.4))
    size = Size(users=chance.randint(30, 90), days=chance.randint(45, 90), events_per_day=chance.randint(5, 9))
    lines = [_mislaid(line, chance, astray) for line in generate(chance.randrange(2**32), size).lines]
    return Plan(
        messages=tuple(_messages(lines[:most], partitions)),
        partitions=partitions,
        flush_interval_s=chance.choice((0.1, 0.2, 0.5, 1.0)),
        events_per_second=chance.randint(300, 800),
    )


def _mislaid(line: Line, chance: random.Random, share: float) -> Line:
    # What is refused anyway stays where it is: ids repeat among it.
    if line.key == _HOSTILE or chance.random() >= share:
        return line
    return replace(line, astray=chance.randint(1, 5))


def _messages(lines: list[Line], partitions: int) -> list[Message]:
    messages = []
    offsets = [0] * partitions
    for number, line in enumerate(lines):
        keyed = number if line.key is None else partition_of(line.key, partitions)
        partition = (keyed + line.astray) % partitions
        messages.append(Message(partition, offsets[partition], line.key, line.value, line.sent_ms))
        offsets[partition] += 1
    return messages
