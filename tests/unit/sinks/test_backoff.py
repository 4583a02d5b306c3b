"""Pauses between attempts grow, are capped, and are never the same for many workers."""

from hypothesis import given
from hypothesis import strategies as st

from sinks.retry import Backoff

PLAIN = Backoff(first=0.1, factor=2.0, cap=5.0, jitter=0.5)


def test_pauses_double_up_to_the_cap() -> None:
    pauses = [PLAIN.pause(failures, chance=0.0) for failures in range(1, 9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_chance_shortens_a_pause_by_up_to_the_jitter() -> None:
    assert PLAIN.pause(7, chance=0.5) == 3.75
    assert Backoff(jitter=0.0).pause(7, chance=0.9) == 5.0


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_any_outage_has_a_pause_between_half_and_the_whole_of_the_cap_at_most(failures: int, chance: float) -> None:
    assert 0.05 <= PLAIN.pause(failures, chance) <= 5.0
