"""The results of a run, as one keeps them: rounds by contender by scenario, medians, and ratios round by round."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.measuring import Result

__all__ = ["Failed", "Outcomes", "Run", "ScenarioRun", "median", "ratio"]


@dataclass(frozen=True, slots=True)
class Failed:
    """A round that gave no figures, and why."""

    reason: str


#: One outcome a round, in order.
Outcomes = list[Result | Failed]


@dataclass(slots=True)
class ScenarioRun:
    """The outcomes of each contender in one scenario; ``users`` is how many different ones the events have."""

    title: str
    events: int
    users: int
    workers: int
    outcomes: dict[str, Outcomes] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """Everything that one run measured.

    Attributes:
        date: ISO 8601, UTC.
        machine: what it ran on, by name of the property.
        versions: version and licence of each package.
        scenarios: by name.
        figures: single figures by scenario that has no contenders, by name with unit.
    """

    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    scenarios: dict[str, ScenarioRun] = field(default_factory=dict)
    figures: dict[str, dict[str, float | str]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write JSON; an interrupted write leaves the file that was there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Run":
        """What ``write`` wrote."""
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        scenarios = {}
        for name, scenario in kept.pop("scenarios").items():
            outcomes = {
                contender: [Failed(**one) if "reason" in one else Result(**one) for one in rounds]
                for contender, rounds in scenario.pop("outcomes").items()
            }
            scenarios[name] = ScenarioRun(**scenario, outcomes=outcomes)
        return cls(**kept, scenarios=scenarios)


def median(outcomes: Sequence[Result | Failed]) -> Result | Failed:
    """The median of each figure over the rounds that gave figures; the last failure when none did."""
    results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    if not results:
        return outcomes[-1] if outcomes else Failed("did not run")
    names = [name for name in results[0].extras if all(name in result.extras for result in results)]
    return Result(
        rate=statistics.median(result.rate for result in results),
        cpu=statistics.median(result.cpu for result in results),
        services_cpu=statistics.median(result.services_cpu for result in results),
        memory=statistics.median(result.memory for result in results),
        events=round(statistics.median(result.events for result in results)),
        seconds=statistics.median(result.seconds for result in results),
        extras={name: statistics.median(result.extras[name] for result in results) for name in names},
    )


def ratio(ours: Sequence[Result | Failed], theirs: Sequence[Result | Failed]) -> float | None:
    """The median of our rate divided by theirs in the same round; None without a round in which both gave figures.

    Round by round, because neighbours in time share what else the machine was doing.
    """
    ratios = [
        mine.rate / other.rate
        for mine, other in zip(ours, theirs, strict=False)
        if isinstance(mine, Result) and isinstance(other, Result)
    ]
    return statistics.median(ratios) if ratios else None
