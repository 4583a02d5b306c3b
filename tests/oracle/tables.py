"""Every published view, from the accepted events alone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.apps import AppCatalog
from tests.oracle import activity, operations, retention, wechat
from tests.oracle.days import to_date
from tests.oracle.judge import Judgement
from tests.oracle.population import IdHash, Population, populations
from tests.oracle.view import Between, View

__all__ = ["Oracle", "tables"]

_OF_PEOPLE: Final[tuple[Callable[[Iterable[Population]], View], ...]] = (
    retention.daily,
    retention.weekly,
    retention.monthly,
    retention.unbounded,
    retention.by_segment,
    activity.active_users,
    activity.lifecycle,
    activity.histogram,
    activity.streaks,
    activity.user_activity,
    wechat.daily_retain,
    wechat.weekly_retain,
    wechat.monthly_retain,
)
_OF_MESSAGES: Final = (operations.pipeline_progress, operations.dead_letters)


@dataclass(frozen=True, slots=True)
class Oracle:
    """What must be published, once every partition is consumed to its end.

    ``views`` by name; ``accepted`` events per partition number over both input topics; ``forgetful`` the partition
    numbers where an event that is rekeyed twice may be accepted twice; ``undetermined`` as in ``Judgement``.
    """

    views: dict[str, View]
    today: date | None
    accepted: dict[int, Between]
    forgetful: frozenset[int]
    undetermined: tuple[str, ...]


def tables(judgement: Judgement, catalog: AppCatalog, id_hash: IdHash | None = None) -> Oracle:
    """All views of the contract. ``id_hash`` settles ties as ``populations`` says."""
    noted = list(judgement.undetermined)
    people = list(populations(judgement, catalog, id_hash, noted))
    views = [view(people) for view in _OF_PEOPLE] + [view(judgement) for view in _OF_MESSAGES]
    return Oracle(
        views={view.name: view for view in views},
        today=None if judgement.today is None else to_date(judgement.today),
        accepted=operations.accepted_per_partition(judgement),
        forgetful=operations.forgetful_partitions(judgement),
        undetermined=tuple(noted),
    )
