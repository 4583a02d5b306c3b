"""A retention triangle, and how it looks in a terminal. Pure: nothing here reads a database or a clock.

A cell is the percentage of its cohort that came back. A cell that accepted events can still change is dim and carries
a ``*``; a cell whose day has not come is blank. The pooled rows are Σ retained / Σ cohort over complete cells only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from rich.console import Console
from rich.style import Style
from rich.text import Text

__all__ = ["Audience", "Cell", "Cohort", "Period", "Triangle", "plain", "render"]

Audience = Literal["new", "active"]
Period = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Users of a cohort who came back; ``rate`` is 0…1, or ``None`` for an empty cohort."""

    retained: int
    rate: float | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """One row: first day of the cohort, its size, and a cell for every offset that has come."""

    start: date
    users: int
    cells: Mapping[int, Cell]


@dataclass(frozen=True, slots=True)
class Triangle:
    """What ``render`` draws; cohorts from the oldest to the latest.

    ``pooled`` holds the rates over the cohorts here, ``pooled_all`` over every cohort there is; an offset without a
    complete cell is missing.
    """

    app_id: str
    audience: Audience
    period: Period
    columns: tuple[int, ...]
    cohorts: tuple[Cohort, ...]
    pooled: Mapping[int, float]
    pooled_all: Mapping[int, float]
    segment: str | None = None
    value: str | None = None


#: The letter before an offset, and the word for it.
_UNITS: Final[Mapping[Period, tuple[str, str]]] = {
    "daily": ("D", "day"),
    "weekly": ("W", "week"),
    "monthly": ("M", "month"),
}
_POOLED: Final = "pooled"
_POOLED_ALL: Final = "pooled all"

_CELL_WIDTH: Final = 6  # " 21.4*"
_LABEL_WIDTH: Final = len("2026-03-01")

#: From few to many. One hue, and text that contrasts with each on light and dark terminals alike.
_DARK: Final = "#10201d"
_HEAT: Final = tuple(
    Style(color=text, bgcolor=ground)
    for text, ground in (
        (_DARK, "#eef6f4"),
        (_DARK, "#cfe7e1"),
        (_DARK, "#a6d4ca"),
        (_DARK, "#74bcae"),
        (_DARK, "#3f9f8f"),
        ("#ffffff", "#1f7a6c"),
    )
)
_DIM: Final = Style(dim=True)
_BOLD: Final = Style(bold=True)


def render(triangle: Triangle, console: Console) -> None:
    """Print ``triangle`` to ``console``: in colours on a terminal, else as plain text. Never cut to the width."""
    letter = _UNITS[triangle.period][0]
    users_width = max(len("users"), *(len(f"{cohort.users:,}") for cohort in triangle.cohorts), 0)
    top = _top(triangle)
    header = f"{'cohort':<{_LABEL_WIDTH}} {'users':>{users_width}}"
    header += "".join(f"{f'{letter}{n}':>{_CELL_WIDTH - 1}} " for n in triangle.columns)
    lines = [Text(_title(triangle), style=_BOLD), Text(header.rstrip(), style=_DIM)]
    for cohort in triangle.cohorts:
        line = Text(f"{_label(cohort.start, triangle.period):<{_LABEL_WIDTH}} {cohort.users:>{users_width},}")
        for n in triangle.columns:
            line.append_text(_cell(cohort.cells.get(n), n, top))
        lines.append(line)
    for label, rates in ((_POOLED, triangle.pooled), (_POOLED_ALL, triangle.pooled_all)):
        if label == _POOLED_ALL and rates == triangle.pooled:
            continue
        line = Text(f"{label:<{_LABEL_WIDTH}} {'':>{users_width}}", style=_BOLD)
        for n in triangle.columns:
            line.append(f"{_percent(rates[n]) if n in rates else '':>{_CELL_WIDTH - 1}} ")
        lines.append(line)
    lines += [Text(line, style=_DIM) for line in _legend(triangle)]
    for line in lines:
        if not console.is_terminal:  # on one, the blank belongs to a coloured cell
            line.rstrip()
        console.print(line, soft_wrap=True)


def plain(text: str) -> str:
    """``text`` without control characters: it comes from outside and must not steer the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _title(triangle: Triangle) -> str:
    title = f"{triangle.period.capitalize()} retention of {triangle.audience} users, % · {plain(triangle.app_id)}"
    if triangle.segment is None:
        return title
    return f"{title} · {plain(triangle.segment)} = {plain(triangle.value or '') or 'none'}"


def _label(start: date, period: Period) -> str:
    return f"{start:%Y-%m}" if period == "monthly" else start.isoformat()


def _top(triangle: Triangle) -> float:
    """The highest complete rate after offset 0: the darkest colour."""
    cells = (cell for cohort in triangle.cohorts for n, cell in cohort.cells.items() if n in triangle.columns and n > 0)
    return max((cell.rate for cell in cells if cell.complete and cell.rate is not None), default=0.0)


def _cell(cell: Cell | None, n: int, top: float) -> Text:
    if cell is None:
        return Text(" " * _CELL_WIDTH)
    number = "–" if cell.rate is None else _percent(cell.rate)
    if not cell.complete:
        return Text(f"{number:>{_CELL_WIDTH - 1}}*", style=_DIM)
    text = f"{number:>{_CELL_WIDTH - 1}} "
    if n == 0 or cell.rate is None or top == 0.0:
        return Text(text)
    return Text(text, style=_HEAT[min(len(_HEAT) - 1, int(len(_HEAT) * cell.rate / top))])


def _percent(rate: float) -> str:
    text = f"{100 * rate:.1f}"
    return "100" if text == "100.0" else text


def _legend(triangle: Triangle) -> list[str]:
    letter, unit = _UNITS[triangle.period]
    cells = f"{letter}1 = the {unit} after"
    shown = (cohort.cells.get(n) for cohort in triangle.cohorts for n in triangle.columns)
    if any(cell is not None and not cell.complete for cell in shown):
        cells += " · * can still change"
    pooled = f"{_POOLED} = Σ retained / Σ users of the complete cells"
    if triangle.pooled_all != triangle.pooled:
        pooled += f" · {_POOLED_ALL} = of every cohort, shown or not"
    return [cells, pooled]
