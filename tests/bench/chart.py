"""The results as a picture: horizontal bars in SVG, readable on light and on dark pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tests.bench.measuring import Result
from tests.bench.registry import CONTENDERS
from tests.bench.results import Run, ScenarioRun, median

__all__ = ["Bar", "Panel", "chart", "draw", "panels"]

_WIDTH: Final = 760
_MARGIN: Final = 20
_LABELS: Final = 250
_VALUES: Final = 80
_ROW: Final = 22
_BAR: Final = 14
_HEAD: Final = 34
_GAP: Final = 18
_FOOT: Final = 30
#: Characters of a label that fit beside the bars, at the font size below.
_LABEL_LENGTH: Final = 38

_STYLE: Final = """
text { font: 12px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px }
.small { font-size: 11px; fill: #59636e }
.page { fill: #ffffff }
.ours { fill: #0969da } .engine { fill: #8c959f } .loader { fill: #bf8700 } .ceiling { fill: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .page { fill: #0d1117 }
  .ours { fill: #4493f8 } .engine { fill: #6e7681 } .loader { fill: #d29922 } .ceiling { fill: #3d444d }
}
"""
_LEGEND: Final = (
    ("ours", "retention"),
    ("engine", "other stream processors"),
    ("loader", "no stream processor"),
    ("ceiling", "consumer alone, no state"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its kind (the colour), and its value; None when there is no figure."""

    label: str
    kind: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars on one scale."""

    title: str
    bars: tuple[Bar, ...]

    @property
    def height(self) -> int:
        """In pixels, with the title."""
        return _HEAD + _ROW * len(self.bars) + _GAP


def chart(run: Run) -> str:
    """The SVG of ``run``."""
    machine = run.machine
    cores = f"{machine.get('cores', '')} cores, shared with broker and ClickHouse"
    return draw(list(panels(run)), f"{run.date[:10]} · {machine.get('processor', '')} · {cores}")


def panels(run: Run) -> Iterable[Panel]:
    """Throughput, CPU time and memory of the first scenario, and the throughput of the others."""
    for number, scenario in enumerate(run.scenarios.values()):
        yield _panel(scenario, "Events per second", "rate")
        if number == 0:
            yield _panel(scenario, "CPU seconds per million events", "cpu")
            yield _panel(scenario, "Peak memory, MiB", "memory")


def _panel(scenario: ScenarioRun, title: str, figure: str) -> Panel:
    bars = []
    for name, outcomes in scenario.outcomes.items():
        middle = median(outcomes)
        value = float(getattr(middle, figure)) if isinstance(middle, Result) else None
        bars.append(Bar(CONTENDERS[name].title, CONTENDERS[name].kind, value))
    return Panel(f"{title}: {scenario.title}", tuple(bars))


def draw(parts: Sequence[Panel], footer: str) -> str:
    """The SVG of ``parts``, one below the other, with a legend and ``footer``."""
    height = 2 * _MARGIN + _FOOT + sum(part.height for part in parts) + _FOOT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        'role="img" aria-label="Throughput, CPU time and memory beside other stream processors">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="6"/>',
        *_legend(_MARGIN),
    ]
    top = _MARGIN + _FOOT
    for part in parts:
        lines += _bars(part, top)
        top += part.height
    lines += [_text(_MARGIN, height - _MARGIN, footer, "small"), "</svg>"]
    return "\n".join(lines) + "\n"


def _legend(top: int) -> Iterable[str]:
    step = (_WIDTH - 2 * _MARGIN) // len(_LEGEND)
    for number, (kind, label) in enumerate(_LEGEND):
        left = _MARGIN + number * step
        yield f'<rect class="{kind}" x="{left}" y="{top}" width="12" height="12" rx="2"/>'
        yield _text(left + 18, top + 10, label)


def _bars(part: Panel, top: int) -> Iterable[str]:
    yield _text(_MARGIN, top + 16, part.title, "title")
    room = _WIDTH - 2 * _MARGIN - _LABELS - _VALUES
    most = max((bar.value or 0.0 for bar in part.bars), default=0.0) or 1.0
    left = _MARGIN + _LABELS
    for number, bar in enumerate(part.bars):
        row = top + _HEAD + number * _ROW
        label = bar.label if len(bar.label) <= _LABEL_LENGTH else bar.label[: _LABEL_LENGTH - 1] + "…"
        yield _text(left - 8, row + 11, label, anchor="end")
        length = 0.0 if bar.value is None else max(1.0, room * bar.value / most)
        if bar.value is not None:
            yield f'<rect class="{bar.kind}" x="{left}" y="{row}" width="{length:.1f}" height="{_BAR}" rx="2"/>'
        yield _text(left + length + 6, row + 11, _number(bar.value))


def _number(value: float | None) -> str:
    if value is None:
        return "no figure"
    return f"{value:,.0f}".replace(",", "\u202f") if value >= 100 else f"{value:.1f}"


def _text(left: float, base: float, text: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{left:.1f}" y="{base:.1f}" text-anchor="{anchor}"{style}>{escape(text)}</text>'
