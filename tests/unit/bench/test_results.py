from pathlib import Path

import pytest

from tests.bench.growth import slope
from tests.bench.results import Failed, Run, median, ratio
from tests.unit.bench.support import result, run_of

AWAY = Failed("not there")


def test_the_ratio_is_taken_within_each_round() -> None:
    # The medians of the rates are 100 and 100; round by round we are twice, half and three times as fast.
    ours, theirs = [result(200), result(50), result(100)], [result(100), result(100), result(100 / 3)]
    assert ratio(ours, theirs) == pytest.approx(2)


def test_a_round_that_failed_on_either_side_has_no_ratio() -> None:
    assert ratio([result(200), AWAY, result(90)], [AWAY, result(1), result(30)]) == pytest.approx(3)
    assert ratio([AWAY], [result(1)]) is None
    assert ratio([], [result(1)]) is None


def test_the_median_leaves_out_failures() -> None:
    middle = median([result(1), AWAY, result(5, cpu=30), result(3, cpu=20)])
    assert not isinstance(middle, Failed)
    assert (middle.rate, middle.cpu) == (3, 20)


def test_only_failures_are_a_failure_with_the_last_reason() -> None:
    assert median([Failed("first"), AWAY]) == AWAY
    assert isinstance(median([]), Failed)


def test_extras_are_kept_where_every_round_has_them() -> None:
    middle = median([result(1, extras={"triangle_s": 2.0}), result(1, extras={"triangle_s": 4.0, "other": 1.0})])
    assert not isinstance(middle, Failed)
    assert middle.extras == {"triangle_s": 3.0}


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = run_of(ours=[result(2, extras={"triangle_s": 0.5}), AWAY], bytewax=[result(1)])
    run.figures["state"] = {"bytes of memory per user": 299.5, "failed": "no"}
    path = tmp_path / "new" / "results.json"
    run.write(path)
    run.write(path)
    assert Run.read(path) == run
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]


def test_the_slope_is_what_one_more_user_costs() -> None:
    assert slope({100: 50_000, 400: 140_000, 1000: 320_000}) == pytest.approx(300)
