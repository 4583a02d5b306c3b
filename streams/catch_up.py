"""The way to the flush point: a successor's first flush is taken exactly there; what lies beyond waits meanwhile."""

from collections.abc import Callable, Sequence
from typing import Final

from streams.core.partition_fold import Message
from streams.undelivered import size_of

__all__ = ["CatchUp"]

#: Flush beats at the end of a topic without the messages that a flush point promises, before they are given up.
_PATIENCE_BEATS: Final = 50


class CatchUp:
    """By topic, where the next flush must be taken, and the messages that were taken too early."""

    def __init__(self, next_offset: Callable[[str], int]) -> None:
        """``next_offset`` gives the next offset of a topic to fold. The next flush may be taken anywhere."""
        self._next_offset = next_offset
        self._point: dict[str, int] = {}
        self._held: list[tuple[str, Sequence[Message]]] = []
        #: The size of what is held, in bytes.
        self.held_bytes = 0
        self._beats_at_end = 0

    def aim_at(self, point: dict[str, int]) -> None:
        """The next flush must be taken at ``point``, unless the fold stands there already."""
        if any(offset > self._next_offset(topic) for topic, offset in point.items()):
            self._point = point

    def point(self, topic: str) -> int | None:
        """Where in ``topic`` the next flush must be taken; ``None`` for anywhere."""
        return self._point.get(topic)

    def missing(self) -> dict[str, int]:
        """The topics whose fold is still behind, and their points."""
        return {topic: offset for topic, offset in self._point.items() if self._next_offset(topic) < offset}

    def hold(self, topic: str, messages: Sequence[Message]) -> None:
        """Keep messages beyond the point until the flush has been taken."""
        self._held.append((topic, messages))
        self.held_bytes += size_of(messages)

    @property
    def holds(self) -> bool:
        """Whether messages wait."""
        return bool(self._held)

    def held_to(self, topic: str) -> int:
        """The offset after the last message of ``topic`` that waits; 0 when none does."""
        return max((held[-1].offset + 1 for name, held in self._held if name == topic), default=0)

    def gives_up(self, at_end: dict[str, bool]) -> bool:
        """Whether the point lies where nothing will come: the messages before it have expired meanwhile.

        To be asked once a flush beat while something is missing.
        """
        self._beats_at_end = self._beats_at_end + 1 if all(at_end[topic] for topic in self.missing()) else 0
        return self._beats_at_end >= _PATIENCE_BEATS

    def release(self) -> list[tuple[str, Sequence[Message]]]:
        """The flush has been taken at the point: the messages that waited, and no point any more."""
        self._point = {}
        held, self._held, self.held_bytes = self._held, [], 0
        return held
