"""Throughput of the pipeline beside other stream processors, on embedded services: same machine, same topic, in turn.

    python -m tests.bench [--only base,state] [--contenders ours,bytewax] [--rounds N] [--events N] [--publish]

Everything runs on this machine and shares its cores. Results go to build/bench: results.json after every round, and at
the end the tables and the chart; with --publish the chart goes to docs/bench.svg as well.
"""

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from tests.bench import growth
from tests.bench.chart import chart
from tests.bench.filling import publish_all
from tests.bench.launching import ContenderFailed
from tests.bench.measuring import Result, measure
from tests.bench.registry import CONTENDERS
from tests.bench.report import markdown, text
from tests.bench.results import Failed, Run, ScenarioRun
from tests.bench.scenarios import SCENARIOS, Scenario
from tests.bench.stage import ROOT, Stage, new_stage
from tests.bench.versions import machine, versions
from tests.bench.workload import visits

_OUT: Final = ROOT / "build" / "bench"
_ALL: Final = (*SCENARIOS, *growth.SCENARIOS)


def main() -> None:
    """Measure what was asked for and write the results."""
    options = _options()
    out: Path = options.out
    if options.redraw:
        _report(Run.read(out / "results.json"), out, publish=options.publish)
        return
    run = Run(datetime.now(UTC).isoformat(timespec="seconds"), machine(), {})
    if options.add:
        before = Run.read(out / "results.json")
        run.scenarios, run.figures = before.scenarios, before.figures
    for name in options.only:
        with new_stage(options.peers) as stage:
            run.versions = run.versions or versions(stage)
            if name in SCENARIOS:
                _compare(run, stage, _chosen(SCENARIOS[name], options), options)
            else:
                run.figures[name] = _figures(stage, name, options.users)
        # In the order in which they are listed, whenever each was measured.
        run.scenarios = {name: run.scenarios[name] for name in SCENARIOS if name in run.scenarios}
        run.write(out / "results.json")
    _report(run, out, publish=options.publish)


def _names(known: tuple[str, ...]) -> "argparse._ActionType":
    def names(given: str) -> list[str]:
        unknown = [name for name in given.split(",") if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return given.split(",")

    return names


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Throughput beside other stream processors.")
    parser.add_argument("--only", type=_names(_ALL), default=list(_ALL), help="scenarios, separated by commas")
    parser.add_argument("--contenders", type=_names(tuple(CONTENDERS)), help="separated by commas")
    parser.add_argument("--rounds", type=int, help="rounds of each scenario")
    parser.add_argument("--events", type=int, help="events of each scenario")
    parser.add_argument("--users", type=int, help="users of state and recovery", default=1_000_000)
    parser.add_argument("--window", type=float, default=8.0, help="seconds of progress to measure of the slow")
    parser.add_argument("--peers", type=Path, default=_OUT / "venv" / "bin" / "python", help="Python of the peers")
    parser.add_argument("--out", type=Path, default=_OUT, help="folder of the results")
    parser.add_argument("--publish", action="store_true", help="write docs/bench.svg too")
    parser.add_argument("--add", action="store_true", help="keep the last results of scenarios that are not measured")
    parser.add_argument("--redraw", action="store_true", help="measure nothing: tables and chart of the last results")
    return parser.parse_args()


def _chosen(scenario: Scenario, options: argparse.Namespace) -> Scenario:
    workload = replace(scenario.workload, events=options.events or scenario.workload.events)
    contenders = tuple(options.contenders or scenario.contenders)
    return replace(scenario, workload=workload, contenders=contenders, rounds=options.rounds or scenario.rounds)


def _compare(run: Run, stage: Stage, scenario: Scenario, options: argparse.Namespace) -> None:
    """One scenario: every contender once in each round, in turn."""
    events = visits(scenario.workload)
    publish_all(stage.settings, events, scenario.workload.users)
    users = len(np.unique(events.users))
    part = ScenarioRun(scenario.title, scenario.workload.events, users, scenario.workers)
    run.scenarios[scenario.name] = part
    for number in range(1, scenario.rounds + 1):
        for name in scenario.contenders:
            outcome = _attempt(stage, name, number, scenario, options.window)
            part.outcomes.setdefault(name, []).append(outcome)
            said = outcome.reason if isinstance(outcome, Failed) else f"{outcome.rate:,.0f} events/s"
            print(f"{scenario.name}, round {number}, {name}: {said}", flush=True)
            run.write(options.out / "results.json")


def _attempt(stage: Stage, name: str, number: int, scenario: Scenario, window_s: float) -> Result | Failed:
    contender = CONTENDERS[name]
    stage.settle()
    try:
        attempt = contender.prepare(stage, number, scenario.workers)
        window = None if contender.whole else window_s
        return measure(attempt, scenario.workload.events, stage.services, window)
    except ContenderFailed as error:
        return Failed(str(error))
    except Exception as error:  # whatever it was, the others are measured
        return Failed(f"{type(error).__name__}: {error}")


def _figures(stage: Stage, name: str, users: int) -> growth.Figures:
    try:
        return growth.SCENARIOS[name](stage, users)
    except Exception as error:  # whatever it was, what has been measured is reported
        return {"failed": f"{type(error).__name__}: {error}"}


def _report(run: Run, out: Path, *, publish: bool) -> None:
    print(text(run))
    (out / "results.txt").write_text(text(run), encoding="utf-8")
    (out / "results.md").write_text(markdown(run), encoding="utf-8")
    drawn = chart(run)
    (out / "bench.svg").write_text(drawn, encoding="utf-8")
    if publish:
        (ROOT / "docs" / "bench.svg").write_text(drawn, encoding="utf-8")
    print(f"written: {out}/results.json, results.txt, results.md, bench.svg")


if __name__ == "__main__":
    main()
