"""The results as tables: text for the terminal, Markdown for the README."""

from collections.abc import Iterator, Sequence
from typing import Final

from tests.bench.registry import CONTENDERS, OURS
from tests.bench.results import Failed, Run, ScenarioRun, median, ratio

__all__ = ["markdown", "text"]

_COLUMNS: Final = (
    "",
    "events/s",
    "CPU s per million",
    "services' CPU s",
    "peak MiB",
    "ours / it",
)
_NOTHING: Final = "–"

Row = tuple[str, ...]


def text(run: Run) -> str:
    """Everything, for a terminal."""
    parts = ["\n".join(_heading(run))]
    for scenario in run.scenarios.values():
        rows = [_COLUMNS, *_rows(scenario)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        lines = [_title(scenario)]
        lines += ["  ".join(_padded(row, widths)).rstrip() for row in rows]
        parts.append("\n".join([*lines, *_notes(scenario)]))
    parts += [_figures_text(name, figures) for name, figures in run.figures.items()]
    return "\n\n".join(parts) + "\n"


def markdown(run: Run) -> str:
    """The tables, ready to be put into a document."""
    parts = ["  \n".join(_heading(run))]
    for scenario in run.scenarios.values():
        rule = ("---", *("---:" for _ in _COLUMNS[1:]))
        rows = [_COLUMNS, rule, *_rows(scenario)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        parts.append("\n".join([f"**{_title(scenario)}**", "", *lines]))
        notes = list(_notes(scenario))
        if notes:
            parts.append("\n".join(f"- {note}" for note in notes))
    for name, figures in run.figures.items():
        lines = [f"| {label} | {_number(value)} |" for label, value in figures.items()]
        parts.append("\n".join([f"| {name} | |", "|---|---:|", *lines]))
    return "\n\n".join(parts) + "\n"


def _heading(run: Run) -> list[str]:
    machine = ", ".join(f"{name} {value}" for name, value in run.machine.items())
    packages = ", ".join(f"{name} {value}" for name, value in run.versions.items())
    return [f"{run.date}; {machine}", packages]


def _title(scenario: ScenarioRun) -> str:
    rounds = max((len(outcomes) for outcomes in scenario.outcomes.values()), default=0)
    size = f"{_thousands(scenario.events)} events of {_thousands(scenario.users)} users"
    return f"{scenario.title} ({size}; median of {rounds} rounds)" if rounds > 1 else f"{scenario.title} ({size})"


def _rows(scenario: ScenarioRun) -> Iterator[Row]:
    ours = scenario.outcomes.get(OURS, [])
    for name, outcomes in scenario.outcomes.items():
        middle = median(outcomes)
        title = CONTENDERS[name].title
        if isinstance(middle, Failed):
            yield (title, *(_NOTHING for _ in _COLUMNS[1:]))
            continue
        times = None if name == OURS else ratio(ours, outcomes)
        yield (
            title,
            _thousands(middle.rate),
            f"{middle.cpu:.1f}",
            f"{middle.services_cpu:.1f}",
            _thousands(middle.memory),
            _NOTHING if times is None else _times(times),
        )


def _notes(scenario: ScenarioRun) -> Iterator[str]:
    """What failed, and how long the retention triangle takes with either way."""
    for name, outcomes in scenario.outcomes.items():
        title = CONTENDERS[name].title
        failures = [outcome.reason for outcome in outcomes if isinstance(outcome, Failed)]
        if failures:
            yield f"{title}: {len(failures)} of {len(outcomes)} rounds failed: {failures[-1]}"
        middle = median(outcomes)
        if not isinstance(middle, Failed) and "triangle_s" in middle.extras:
            yield f"{title}: one retention triangle takes {middle.extras['triangle_s'] * 1000:,.0f} ms"


def _figures_text(name: str, figures: dict[str, float | str]) -> str:
    width = max(len(label) for label in figures)
    return "\n".join([name, *(f"{label:<{width}}  {_number(value)}" for label, value in figures.items())])


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return _thousands(value) if value >= 100 else f"{value:.1f}"


def _thousands(value: float) -> str:
    """With a thin gap at the thousands, which no language takes for a decimal point."""
    return f"{value:,.0f}".replace(",", " ")


def _times(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
