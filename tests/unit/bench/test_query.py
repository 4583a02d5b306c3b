"""What the benchmark of queries computes by itself."""

from functools import partial

import pytest

from tests.bench.query_cells import app_name
from tests.bench.query_measure import Timing, in_turn


def test_a_timing_is_in_milliseconds() -> None:
    timing = Timing.of([0.004, 0.002, 0.010])
    assert timing == pytest.approx((4.0, 2.0, 10.0))
    assert str(timing).split() == ["4.0", "(2.0", "to", "10.0)"]


def test_calls_take_turns_and_the_first_round_is_not_counted() -> None:
    called: list[str] = []
    timings = in_turn({name: partial(called.append, name) for name in ("a", "b")}, 2)
    assert called == ["a", "b"] * 3
    assert timings.keys() == {"a", "b"}
    assert all(0 <= timing.least <= timing.median <= timing.most for timing in timings.values())


def test_every_app_has_its_own_name() -> None:
    assert len({app_name(number) for number in range(4)}) == 4
