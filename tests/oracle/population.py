"""The users of each app, as sets of days."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.contract import ATTRIBUTES, Event
from tests.oracle.judge import Judgement

__all__ = ["IdHash", "Person", "Population", "populations", "run_lengths"]

#: The 64-bit hash of an event id that decides between a user's events of one and the same millisecond.
IdHash = Callable[[str], int]


@dataclass(slots=True)
class Person:
    """One user of one app with at least one active day."""

    user_id: str
    days: set[int] = field(default_factory=set)
    check_ins: set[int] = field(default_factory=set)
    attributes: tuple[str, ...] = ()

    @property
    def first(self) -> int:
        """The first active day."""
        return min(self.days)

    def active_in(self, last: int, length: int) -> int:
        """Active days among the ``length`` days that end on ``last``."""
        return len(self.days.intersection(range(last - length + 1, last + 1)))

    def checked_in(self, last: int, length: int) -> int:
        """Days with a check-in among the ``length`` days that end on ``last``."""
        return len(self.check_ins.intersection(range(last - length + 1, last + 1)))


@dataclass(slots=True)
class Population:
    """All that the views of one app are made of.

    ``check_in_only`` are the check-in days of users who never were active, which is possible where ``check_in`` does
    not qualify.
    """

    app_id: str
    app: AppSettings
    today: int
    people: list[Person]
    check_in_only: list[set[int]]

    @property
    def calendar(self) -> range:
        """Every day from the earliest first day to today."""
        return range(min(person.first for person in self.people), self.today + 1) if self.people else range(0)

    def is_complete(self, last_day: int) -> int:
        """1 when a cell whose last day is ``last_day`` can no longer change, every partition being read to its end."""
        return int(self.today > last_day + self.app.allowed_lateness)


def populations(
    judgement: Judgement, catalog: AppCatalog, id_hash: IdHash | None, undetermined: list[str]
) -> Iterator[Population]:
    """One population for each app that has an accepted event.

    Two qualifying events of one user in the same earliest millisecond that differ in attributes are told apart by
    ``id_hash``; without it a note goes to ``undetermined``.
    """
    of_app: dict[str, dict[str, list[Event]]] = {}
    for event in judgement.accepted.values():
        of_app.setdefault(event.app_id, {}).setdefault(event.user_id, []).append(event)
    for app_id, of_user in sorted(of_app.items()):
        app = catalog.listed[app_id] if catalog.listed else catalog.default
        people, check_in_only = [], []
        for user_id, events in sorted(of_user.items()):
            qualifying = [event for event in events if _qualifies(event, app)]
            check_ins = {event.check_in_day for event in events if event.check_in_day is not None}
            if not qualifying:
                check_in_only.append(check_ins)
                continue
            earliest = _earliest(qualifying, id_hash, undetermined)
            people.append(Person(user_id, {event.day for event in qualifying}, check_ins, earliest.attributes))
        today = judgement.today
        if today is not None:
            yield Population(app_id, app, today, people, check_in_only)


def run_lengths(days: Iterable[int]) -> dict[int, int]:
    """For each of ``days`` the length of the run of consecutive days that ends on it."""
    lengths: dict[int, int] = {}
    for day in sorted(days):
        lengths[day] = lengths.get(day - 1, 0) + 1
    return lengths


def _qualifies(event: Event, app: AppSettings) -> bool:
    return event.event in app.qualifying if app.qualifying is not None else event.event not in app.not_qualifying


def _earliest(events: list[Event], id_hash: IdHash | None, undetermined: list[str]) -> Event:
    ts_ms = min(event.ts_ms for event in events)
    tied = [event for event in events if event.ts_ms == ts_ms]
    if id_hash is not None:
        return min(tied, key=lambda event: id_hash(event.event_id))
    for name, values in zip(ATTRIBUTES, zip(*(event.attributes for event in tied), strict=True), strict=True):
        if len(set(values)) > 1:
            undetermined.append(f"{tied[0].user_id!r} has two {name} in the earliest millisecond {ts_ms}")
    return tied[0]
