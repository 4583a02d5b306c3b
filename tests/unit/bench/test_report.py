import re
from itertools import pairwise
from xml.etree import ElementTree

from tests.bench.chart import Bar, Panel, chart, draw
from tests.bench.registry import CONTENDERS
from tests.bench.report import markdown, text
from tests.bench.results import Failed, Outcomes
from tests.unit.bench.support import result, run_of

RUN = run_of(
    ours=[result(100_000, cpu=9, extras={"triangle_s": 0.05})],
    faust=[result(2_500, cpu=240)],
    quix=[Failed("it ended with 1")],
)
SVG = "{http://www.w3.org/2000/svg}"
#: No character of the font is wider than that, on average, at the size of labels.
CHARACTER = 7.0


def test_the_text_has_machine_versions_figures_and_ratio() -> None:
    shown = text(RUN)
    assert "cores 2" in shown
    assert "bytewax 0.21.1 (Apache-2.0)" in shown
    assert re.search(r"^retention, end to end +100 000 +9\.0 +2\.0 +200 +–$", shown, re.MULTILINE)
    assert re.search(r"^Faust agent with a table +2 500 +240\.0 +2\.0 +200 +40$", shown, re.MULTILINE)


def test_a_failure_is_a_row_of_dashes_and_its_reason() -> None:
    shown = text(RUN)
    assert re.search(r"^Quix Streams, stateful( +–){5}$", shown, re.MULTILINE)
    assert "Quix Streams, stateful: 1 of 1 rounds failed: it ended with 1" in shown


def test_the_retention_query_is_stated_apart() -> None:
    assert "retention, end to end: one retention triangle takes 50 ms" in text(RUN)


def test_every_row_of_the_markdown_has_the_same_number_of_cells() -> None:
    rows = [line for line in markdown(RUN).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    assert {row.count("|") for row in rows} == {7}


def test_figures_without_contenders_are_shown() -> None:
    run = run_of(ours=[result(1)])
    run.figures["state"] = {"bytes of memory per user": 299.5, "MiB at 1 000 000 users": 1234.5}
    assert re.search(r"^bytes of memory per user +300$", text(run), re.MULTILINE)
    assert "| MiB at 1 000 000 users | 1 234 |" in markdown(run)


def rectangles(svg: str, kind: str) -> list[float]:
    found = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    return [float(one.attrib["width"]) for one in found if one.get("class") == kind and one.get("height") == "14"]


def test_bars_are_as_long_as_their_values() -> None:
    svg = draw([Panel("speed", (Bar("a", "ours", 100.0), Bar("b", "engine", 25.0), Bar("c", "loader", None)))], "")
    (ours,), (engine,) = rectangles(svg, "ours"), rectangles(svg, "engine")
    assert ours == 4 * engine
    assert rectangles(svg, "loader") == []
    assert "no figure" in svg


def test_a_panel_without_any_figure_can_be_drawn() -> None:
    ElementTree.fromstring(draw([Panel("speed", (Bar("a", "ours", None),))], ""))


def test_text_is_escaped() -> None:
    svg = draw([Panel("a < b & c", (Bar("<x>", "ours", 1.0),))], '"&"')
    texts = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert {"a < b & c", "<x>", '"&"'} <= set(texts)


def test_no_text_overlaps_another_or_leaves_the_picture() -> None:
    everyone: dict[str, Outcomes] = {name.replace("-", "_"): [result(12_345_678)] for name in CONTENDERS}
    svg = ElementTree.fromstring(chart(run_of(**everyone)))
    boxes: dict[float, list[tuple[float, float]]] = {}
    for element in svg.iter(f"{SVG}text"):
        width = len(element.text or "") * CHARACTER
        left = float(element.attrib["x"]) - (width if element.attrib["text-anchor"] == "end" else 0)
        boxes.setdefault(float(element.attrib["y"]), []).append((left, left + width))
    lines = sorted(boxes)
    assert all(below - above >= 15 for above, below in pairwise(lines))
    assert lines[-1] < float(svg.attrib["height"])
    for row in boxes.values():
        assert min(left for left, _ in row) >= 0
        assert max(right for _, right in row) <= float(svg.attrib["width"])
        assert all(first[1] <= second[0] for first, second in pairwise(sorted(row)))


def test_both_schemes_have_a_colour_for_every_kind() -> None:
    light, _, dark = chart(RUN).partition("prefers-color-scheme: dark")
    for kind in {contender.kind for contender in CONTENDERS.values()}:
        assert f".{kind} {{" in light
        assert f".{kind} {{" in dark
