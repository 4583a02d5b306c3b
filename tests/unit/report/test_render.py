"""How a triangle looks, on hand-made rows."""

import io
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from deploy.triangle import Cell, Cohort, Triangle, render

COHORTS = (
    Cohort(date(2026, 3, 1), 1_200, {0: Cell(1_200, 1.0, True), 1: Cell(240, 0.2, True), 2: Cell(60, 0.05, True)}),
    Cohort(date(2026, 3, 2), 0, {0: Cell(0, None, True), 1: Cell(0, None, True)}),
    Cohort(date(2026, 3, 3), 8, {0: Cell(8, 1.0, True), 1: Cell(1, 0.125, False)}),
    Cohort(date(2026, 3, 4), 3, {0: Cell(3, 1.0, False)}),
)


def triangle(**changes: Any) -> Triangle:
    fields: Mapping[str, Any] = {
        "app_id": "wx1",
        "audience": "new",
        "period": "daily",
        "columns": (0, 1, 2),
        "cohorts": COHORTS,
        "pooled": {0: 1.0, 1: 0.2, 2: 0.05},
        "pooled_all": {0: 1.0, 1: 0.2, 2: 0.05},
    }
    return Triangle(**{**fields, **changes})


def plain_text(shown: Triangle, width: int = 80) -> str:
    out = io.StringIO()
    render(shown, Console(file=out, width=width))
    return out.getvalue()


def coloured(shown: Triangle) -> str:
    out = io.StringIO()
    render(shown, Console(file=out, width=80, force_terminal=True, color_system="truecolor", no_color=False))
    return out.getvalue()


def test_a_triangle_reads_like_this() -> None:
    assert plain_text(triangle()) == (
        "Daily retention of new users, % · wx1\n"
        "cohort     users   D0    D1    D2\n"
        "2026-03-01 1,200  100  20.0   5.0\n"
        "2026-03-02     0    –     –\n"
        "2026-03-03     8  100  12.5*\n"
        "2026-03-04     3  100*\n"
        "pooled            100  20.0   5.0\n"
        "D1 = the day after · * can still change\n"
        "pooled = Σ retained / Σ users of the complete cells\n"
    )


def test_pooled_rates_are_those_given_and_never_an_average_of_the_rows() -> None:
    lines = plain_text(triangle(pooled={0: 1.0, 1: 0.1987}, pooled_all={0: 1.0, 1: 0.3, 2: 0.25})).splitlines()
    assert lines[6] == "pooled            100  19.9"
    assert lines[7] == "pooled all        100  30.0  25.0"
    assert lines[-1].endswith("pooled all = of every cohort, shown or not")


@pytest.mark.parametrize(
    ("period", "header", "label", "legend"),
    [
        ("daily", "D1", "2026-03-01", "D1 = the day after"),
        ("weekly", "W1", "2026-03-01", "W1 = the week after"),
        ("monthly", "M1", "2026-03    ", "M1 = the month after"),
    ],
)
def test_periods_name_themselves(period: str, header: str, label: str, legend: str) -> None:
    lines = plain_text(triangle(period=period)).splitlines()
    assert lines[0].startswith(period.capitalize())
    assert header in lines[1]
    assert lines[2].startswith(label)
    assert lines[7].startswith(legend)


def test_the_title_names_audience_and_segment() -> None:
    assert plain_text(triangle(audience="active")).startswith("Daily retention of active users, %")
    title = plain_text(triangle(segment="channel", value="群分享")).splitlines()[0]
    assert title.endswith("wx1 · channel = 群分享")
    assert plain_text(triangle(segment="city", value="")).splitlines()[0].endswith("city = none")


def test_columns_stay_aligned_whatever_the_numbers() -> None:
    columns = (0, 1, 7, 30, 365)
    cohorts = tuple(
        Cohort(date(2026, 3, day), users, {n: Cell(1, rate, day < 3) for n in columns})
        for day, users, rate in ((1, 9, 0.0), (2, 12_345_678, 0.99999), (3, 100, 0.0999), (4, 0, None))
    )
    lines = plain_text(triangle(columns=columns, cohorts=cohorts)).splitlines()
    ends = {tuple(m.end() for m in re.finditer(r"[\d.–]+(?=\*? |\*?$)", line[22:])) for line in lines[2:6]}
    assert len(ends) == 1
    assert len(next(iter(ends))) == len(columns)


def test_ten_columns_fit_eighty_characters() -> None:
    columns = (0, 1, 2, 3, 4, 5, 6, 7, 14, 30)
    cohorts = (Cohort(date(2026, 3, 1), 12_345, {n: Cell(1, 0.5, n < 5) for n in columns}),)
    lines = plain_text(triangle(columns=columns, cohorts=cohorts)).splitlines()
    assert max(map(cell_len, lines[:4])) <= 80


def test_a_narrow_output_loses_nothing() -> None:
    assert plain_text(triangle(), width=20) == plain_text(triangle(), width=200)


def test_without_a_terminal_there_is_no_escape_code() -> None:
    assert "\x1b" not in plain_text(triangle())
    assert "\x1b" in coloured(triangle())


def background(output: str, number: str) -> str | None:
    match = re.search(rf"\x1b\[([\d;]+)m +{re.escape(number)} ", output)
    return None if match is None else match[1]


def test_higher_rates_are_darker_and_incomplete_ones_dim() -> None:
    output = coloured(triangle())
    high, low = background(output, "20.0"), background(output, "5.0")
    assert high is not None and "48;2;31;122;108" in high
    assert low is not None and "48;2;207;231;225" in low
    assert "\x1b[2m 12.5*\x1b[0m" in output


def test_colour_does_not_change_the_text() -> None:
    text = re.sub(r"\x1b\[[\d;]*m", "", coloured(triangle()))
    assert [line.rstrip() for line in text.splitlines()] == plain_text(triangle()).splitlines()


def test_a_day_without_any_return_has_no_division_to_fail() -> None:
    cohorts = (Cohort(date(2026, 3, 1), 5, {0: Cell(5, 1.0, True), 1: Cell(0, 0.0, True)}),)
    assert "  0.0" in coloured(triangle(cohorts=cohorts, columns=(0, 1)))


def test_nothing_complete_leaves_the_pooled_row_empty() -> None:
    cohorts = (Cohort(date(2026, 3, 1), 5, {0: Cell(5, 1.0, False)}),)
    assert "\npooled\n" in plain_text(triangle(cohorts=cohorts, pooled={}, pooled_all={}))


def test_text_from_events_can_neither_style_nor_steer_the_terminal() -> None:
    output = plain_text(triangle(app_id="a[red]b\x1b[2Jc", segment="channel", value="x\r\ny\u202e"))
    assert output.splitlines()[0].endswith("a[red]b�[2Jc · channel = x��y�")
