"""How far a partition has been folded, and what became of its messages."""

from dataclasses import dataclass, field

from streams.core.days import NO_DAY

__all__ = ["Progress", "TopicProgress"]


@dataclass(slots=True)
class TopicProgress:
    """How far one partition of one input topic has been folded, and what became of its messages.

    ``next_offset`` is the next offset to read; ``watermark`` the latest local day seen (``NO_DAY``: none yet). Accepted
    and repeated events are counted in the users' states, the others here.
    """

    next_offset: int = 0
    watermark: int = NO_DAY
    consumed: int = 0
    late: int = 0
    future: int = 0
    invalid: int = 0
    rekeyed: int = 0


@dataclass(slots=True)
class Progress:
    """The progress record of a partition number: one part for each input topic."""

    events: TopicProgress = field(default_factory=TopicProgress)
    rekeyed: TopicProgress = field(default_factory=TopicProgress)
    #: Whether the rekeyed topic was consumed to its end at the last flush.
    rekeyed_at_end: bool = False

    @property
    def position(self) -> int:
        """The version of every row published at this point: both topics' next offsets together."""
        return self.events.next_offset + self.rekeyed.next_offset
