"""What is measured: a base case, and one variation of it for each dimension."""

from dataclasses import dataclass
from typing import Final

from tests.bench.workload import Workload

__all__ = ["SCENARIOS", "Scenario"]

_FAST: Final = ("ours", "quix", "bytewax")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A workload, the number of worker processes that share it, and who takes part, for how many rounds."""

    name: str
    title: str
    workload: Workload
    workers: int = 1
    contenders: tuple[str, ...] = _FAST
    rounds: int = 2


_BASE: Final = Workload(events=2_000_000, users=20_000, per_user_day=20)

#: A million users differ from ``sparse``, not from the base: at 20 events a day a run sees but a few of them.
SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "base",
            "20 events per user-day, 20 000 users, in order, 1 worker",
            _BASE,
            contenders=(*_FAST, "bytewax-durable", "faust", "loader", "aiokafka", "aiokafka-json", "confluent"),
            rounds=3,
        ),
        Scenario("sparse", "2 events per user-day", Workload(events=1_000_000, users=20_000, per_user_day=2)),
        Scenario(
            "many",
            "2 events per user-day, 1 000 000 users",
            Workload(events=1_000_000, users=1_000_000, per_user_day=2),
        ),
        Scenario(
            "disorder",
            "10 % of the events up to a day late",
            Workload(events=2_000_000, users=20_000, per_user_day=20, delayed=0.1),
        ),
        Scenario("workers", "2 workers", _BASE, workers=2),
    )
}
