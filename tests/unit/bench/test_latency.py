"""How the latency benchmark reads its figures."""

from math import inf

import pytest

from tests.bench.latency import arrivals, percentile, quantile


def test_a_marker_is_seen_with_the_first_answer_that_counts_it() -> None:
    published = [1.0, 2.0, 3.0, 4.0]
    seen = [(1.5, 0), (2.5, 2), (2.6, 2), (9.0, 3)]
    assert arrivals(published, seen) == [(1.0, 2.5), (2.0, 2.5), (3.0, 9.0)]


def test_an_answer_that_counts_fewer_than_one_before_takes_nothing_back() -> None:
    assert arrivals([1.0, 2.0], [(3.0, 1), (4.0, 0), (5.0, 2)]) == [(1.0, 3.0), (2.0, 5.0)]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_are_values_that_occurred(share: float, expected: int) -> None:
    assert percentile(range(100, 0, -1), share) == expected


def test_a_quantile_lies_within_its_bucket_by_the_share_of_it() -> None:
    buckets = {0.5: 10.0, 1.0: 90.0, 2.0: 100.0, inf: 100.0}
    assert quantile(buckets, 0.05) == pytest.approx(0.25)
    assert quantile(buckets, 0.5) == pytest.approx(0.75)
    assert quantile(buckets, 0.95) == pytest.approx(1.5)


def test_beyond_the_last_bound_a_quantile_is_that_bound() -> None:
    assert quantile({1.0: 1.0, 2.0: 2.0, inf: 100.0}, 0.99) == 2.0
