"""The fold of one app in one partition: an event into its user's state, and the state's change into cells."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final

from xxhash import xxh3_64_digest

from schemas.apps import SEGMENTS, AppSettings
from schemas.event import CHECK_IN, Event
from streams.core import days
from streams.core.calendar import calendar_of
from streams.core.cells import Cells
from streams.core.columns import contribute_all, contribute_check_ins_all, contribute_segments_all
from streams.core.contributions import contribute, contribute_check_ins, mark_check_in, mark_segments
from streams.core.day_sets import DaySets, Ints
from streams.core.marks import mark_all
from streams.core.state import ID_BYTES, Attributes, UserState

__all__ = ["AppFold"]

#: Event ids remembered per user and open day. A repeat further back is counted as accepted; no table changes by it,
#: since active days and check-ins are sets.
_IDS_PER_DAY: Final = 2048
_KNOWN_EVENTS: Final = 10_000


class AppFold:
    """Users of one app in one partition that are in memory, and what has changed since the last flush."""

    def __init__(self, app_id: str, settings: AppSettings) -> None:
        """No user in memory yet."""
        self.app_id = app_id
        self.settings = settings
        self.calendar = calendar_of(settings.time_zone, settings.day_cutoff_minutes)
        #: States that are decoded; the others rest in the changelog's form.
        self.users: dict[str, UserState] = {}
        #: Users whose state must go to the changelog, and those among them whose published row changed.
        self.dirty: set[str] = set()
        self.shown: set[str] = set()
        self.totals = Cells()
        self._segments = tuple((name, SEGMENTS.index(name)) for name in settings.segments)
        self._values = _attributes_in([place for _, place in self._segments])
        #: Whether an event of this name makes its day an active one.
        self._known_events: dict[str, bool] = {}
        self._changes = Cells()
        #: By set of days: how many users came in order, and have it, since the changes were counted last.
        self._marks: defaultdict[tuple[int, int], int] = defaultdict(int)
        #: The same by first day, day and values of the segments.
        self._segment_marks: defaultdict[tuple[int, int, tuple[str, ...]], int] = defaultdict(int)

    @property
    def changes(self) -> Cells:
        """Numbers by cell since the last flush."""
        mark_all(self._changes, self._marks)
        self._marks.clear()
        for (first, day, values), users in self._segment_marks.items():
            mark_segments(self._changes, first, day, self._named(values), users)
        self._segment_marks.clear()
        return self._changes

    def segments(self, attributes: Attributes) -> tuple[tuple[str, str], ...]:
        """The (segment, value) pairs by which a new user with ``attributes`` is counted."""
        return self._named(self._values(attributes))

    def _named(self, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        return tuple(zip(self.settings.segments, values, strict=True))

    def apply(self, user: UserState, event: Event, day: int) -> bool:
        """Fold ``event`` of local day ``day`` into ``user``. False: it is a duplicate and changed nothing."""
        identity = xxh3_64_digest(event["event_id"])
        seen = user.event_ids.get(day)
        if seen is None:
            user.event_ids[day] = identity
        elif identity in seen:
            return False
        elif len(seen) < _IDS_PER_DAY * ID_BYTES:
            user.event_ids[day] = seen + identity
        else:
            user.event_ids[day] = (seen + identity)[-_IDS_PER_DAY * ID_BYTES :]
        name = event["event"]
        # Most events come on a day that is the user's latest already, and after the first one.
        if (day != user.last_day or event["ts"] <= user.first_ts) and self._qualifies(name):
            self._activate(user, event, identity, day)
        if name == CHECK_IN:
            fill = event.get("for_day")
            self._check_in(user, event["user_id"], day if fill is None else fill)
        return True

    def may_fill(self, event: Event, day: int) -> bool:
        """Whether a check-in of local day ``day`` fills a day within the make-up limit (its own day always is)."""
        fill = event.get("for_day")
        return fill is None or 0 <= day - fill <= self.settings.make_up_days

    @property
    def make_up_rule(self) -> str:
        """Why a check-in was refused."""
        return f"for_day: a check-in may fill its own day or one of the {self.settings.make_up_days} days before it"

    def _qualifies(self, name: str) -> bool:
        qualifies = self._known_events.get(name)
        if qualifies is None:
            if len(self._known_events) >= _KNOWN_EVENTS:
                self._known_events.clear()
            qualifies = self._known_events[name] = self.settings.qualifies(name)
        return qualifies

    def _activate(self, user: UserState, event: Event, identity: bytes, day: int) -> None:
        earliest = (event["ts"], identity) < (user.first_ts, user.first_tie)
        if not user.days:
            user.first_ts, user.first_tie, user.attributes = event["ts"], identity, _attributes(event)
            user.last_day, user.days = day, 1
            self._marks[day, 1] += 1
            self._segment_marks[day, day, self._values(user.attributes)] += 1
        elif day > user.last_day and not earliest:
            first = days.first(user.last_day, user.days)
            user.last_day, user.days = days.add(user.last_day, user.days, day)
            self._marks[day, user.days] += 1
            self._segment_marks[first, day, self._values(user.attributes)] += 1
        elif earliest or not days.contains(user.last_day, user.days, day):
            self._restate(user, event, identity, day, earliest=earliest)
        else:
            return
        self.shown.add(event["user_id"])

    def _restate(self, user: UserState, event: Event, identity: bytes, day: int, *, earliest: bool) -> None:
        """Out of order: take back what the user added to every cell that ``day`` can touch, and add it anew."""
        since = min(day, days.first(user.last_day, user.days)) if earliest else day
        change = Cells()
        contribute(change, user.last_day, user.days, self.segments(user.attributes), since, -1)
        if earliest:
            user.first_ts, user.first_tie, user.attributes = event["ts"], identity, _attributes(event)
        user.last_day, user.days = days.add(user.last_day, user.days, day)
        contribute(change, user.last_day, user.days, self.segments(user.attributes), since, 1)
        self._changes.add(change)

    def _check_in(self, user: UserState, user_id: str, day: int) -> None:
        if days.contains(user.last_check_in, user.check_ins, day):
            return
        self.shown.add(user_id)
        if day > user.last_check_in:
            user.last_check_in, user.check_ins = days.add(user.last_check_in, user.check_ins, day)
            mark_check_in(self._changes, user.last_check_in, user.check_ins, 1)
            return
        change = Cells()
        contribute_check_ins(change, user.last_check_in, user.check_ins, day, -1)
        user.last_check_in, user.check_ins = days.add(user.last_check_in, user.check_ins, day)
        contribute_check_ins(change, user.last_check_in, user.check_ins, day, 1)
        self._changes.add(change)

    def add_totals(self, user: UserState, since: int) -> None:
        """Add what ``user`` contributes to every cell that ends on ``since`` or later to the totals (a rebuild)."""
        contribute(self.totals, user.last_day, user.days, self.segments(user.attributes), since, 1)
        contribute_check_ins(self.totals, user.last_check_in, user.check_ins, since, 1)

    def add_many(
        self,
        activity: DaySets,
        codes: Ints,
        attributes: Sequence[Attributes],
        check_ins: DaySets,
        since: int,
    ) -> None:
        """As ``add_totals``, for many users at once; ``codes`` gives the place in ``attributes`` of each."""
        contribute_all(self.totals, activity, since)
        contribute_segments_all(self.totals, activity, codes, attributes, segments=self._segments, since=since)
        contribute_check_ins_all(self.totals, check_ins, since)


def _attributes_in(places: list[int]) -> Callable[[Attributes], tuple[str, ...]]:
    """A function that picks the attributes in ``places``."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda attributes: tuple(attributes[place] for place in places)


def _attributes(event: Event) -> Attributes:
    scene = event.get("scene")
    return (
        "" if scene is None else str(scene),
        event.get("platform") or "",
        event.get("app_version") or "",
        event.get("channel") or "",
        event.get("campaign") or "",
        event.get("variant") or "",
        event.get("city") or "",
        event.get("district") or "",
        event.get("inviter_id") or "",
    )
