"""The state of one user: all that is durable, and all that the published numbers are computed from."""

from typing import Final

from streams.core import days
from streams.core.days import NO_DAY

__all__ = ["ID_BYTES", "NO_ATTRIBUTES", "NO_OFFSET", "NO_TS", "Attributes", "UserState", "forget_ids_before", "merge"]

#: Bytes of the hash under which an event id is remembered.
ID_BYTES: Final = 8

NO_OFFSET: Final = -1
#: Later than any event, so that the first one is earlier.
NO_TS: Final = 2**63 - 1

#: The values of ``schemas.apps.SEGMENTS``, in that order; '' where the event carried none.
Attributes = tuple[str, str, str, str, str, str, str, str, str]
NO_ATTRIBUTES: Final[Attributes] = ("", "", "", "", "", "", "", "", "")


class UserState:
    """One user of one app.

    ``offset`` and ``rekeyed_offset`` are those of the last events folded from ``mp.events`` and ``mp.events.rekeyed``:
    an event at or before them has been folded already, so folding is exact under at-least-once delivery.
    ``last_day``/``days`` and ``last_check_in``/``check_ins`` are bit sets (see ``streams.core.days``). ``first_ts`` and
    ``first_tie`` identify the earliest qualifying event, whose ``attributes`` are frozen. ``event_ids`` holds, per open
    day, the 8-byte hashes of the ids seen, end to end. The counters say what became of the user's events, by topic.
    """

    __slots__ = (
        "accepted",
        "attributes",
        "check_ins",
        "days",
        "event_ids",
        "first_tie",
        "first_ts",
        "last_check_in",
        "last_day",
        "offset",
        "rekeyed_accepted",
        "rekeyed_offset",
        "rekeyed_repeated",
        "repeated",
    )

    def __init__(self) -> None:
        """A user of whom nothing is known."""
        self.offset = NO_OFFSET
        self.rekeyed_offset = NO_OFFSET
        self.last_day = NO_DAY
        self.days = 0
        self.last_check_in = NO_DAY
        self.check_ins = 0
        self.first_ts = NO_TS
        self.first_tie = bytes(8)
        self.attributes: Attributes = NO_ATTRIBUTES
        self.event_ids: dict[int, bytes] = {}
        self.accepted = 0
        self.repeated = 0
        self.rekeyed_accepted = 0
        self.rekeyed_repeated = 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UserState):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # mutable: it must not be a key

    def __repr__(self) -> str:
        return f"UserState({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


def forget_ids_before(user: UserState, day: int) -> None:
    """Drop the event ids of closed days: repeats of them are refused as late."""
    for known in user.event_ids:
        if known < day:
            user.event_ids = {open_day: ids for open_day, ids in user.event_ids.items() if open_day >= day}
            return


def merge(one: UserState, other: UserState) -> UserState:
    """The state of a user after the events of both states.

    The fold is a union, so two states that were folded from different parts of the two input topics lose nothing by it.
    The counters of each topic are those of the state that is further in it.
    """
    merged = UserState()
    ahead = one if one.offset >= other.offset else other
    ahead_rekeyed = one if one.rekeyed_offset >= other.rekeyed_offset else other
    merged.offset, merged.accepted, merged.repeated = ahead.offset, ahead.accepted, ahead.repeated
    merged.rekeyed_offset = ahead_rekeyed.rekeyed_offset
    merged.rekeyed_accepted, merged.rekeyed_repeated = ahead_rekeyed.rekeyed_accepted, ahead_rekeyed.rekeyed_repeated
    merged.last_day, merged.days = days.union(one.last_day, one.days, other.last_day, other.days)
    merged.last_check_in, merged.check_ins = days.union(
        one.last_check_in, one.check_ins, other.last_check_in, other.check_ins
    )
    earliest = min(one, other, key=lambda user: (user.first_ts, user.first_tie))
    merged.first_ts, merged.first_tie = earliest.first_ts, earliest.first_tie
    merged.attributes = earliest.attributes
    for user in (one, other):
        for day, seen in user.event_ids.items():
            known = merged.event_ids.get(day, b"")
            new = (seen[at : at + ID_BYTES] for at in range(0, len(seen), ID_BYTES))
            merged.event_ids[day] = known + b"".join(identity for identity in new if identity not in known)
    return merged
