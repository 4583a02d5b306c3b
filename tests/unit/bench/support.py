"""Outcomes and runs made by hand."""

from collections.abc import Mapping

from tests.bench.measuring import Result
from tests.bench.results import Outcomes, Run, ScenarioRun


def result(rate: float, cpu: float = 10.0, memory: float = 200.0, extras: Mapping[str, float] | None = None) -> Result:
    return Result(rate, cpu, 2.0, memory, 1_000_000, 10.0, extras or {})


def run_of(**outcomes: Outcomes) -> Run:
    """A run with one scenario; ``bytewax_durable`` stands for ``bytewax-durable``."""
    named = {name.replace("_", "-"): rounds for name, rounds in outcomes.items()}
    scenario = ScenarioRun("20 events per user-day", 1_000_000, 19_987, 1, named)
    return Run("2026-01-02T03:04:05+00:00", {"cores": "2"}, {"bytewax": "0.21.1 (Apache-2.0)"}, {"base": scenario})
