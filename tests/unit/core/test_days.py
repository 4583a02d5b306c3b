from hypothesis import given
from hypothesis import strategies as st

from streams.core import days

day_lists = st.lists(st.integers(19_000, 19_900), min_size=1, max_size=40)


def build(numbers: list[int]) -> tuple[int, int]:
    last, bits = days.NO_DAY, 0
    for number in numbers:
        last, bits = days.add(last, bits, number)
    return last, bits


@given(day_lists)
def test_a_set_of_days_in_any_order(numbers: list[int]) -> None:
    last, bits = build(numbers)
    assert (last, bits) == build(sorted(numbers))
    assert days.first(last, bits) == min(numbers)
    assert last == max(numbers)
    assert list(days.iterate(last, bits, 0)) == sorted(set(numbers))
    assert all(days.contains(last, bits, day) == (day in numbers) for day in range(18_990, 19_910))


@given(day_lists, st.integers(18_990, 19_910))
def test_iterate_begins_where_it_is_told(numbers: list[int], since: int) -> None:
    last, bits = build(numbers)
    assert list(days.iterate(last, bits, since)) == [day for day in sorted(set(numbers)) if day >= since]


@given(st.lists(st.integers(19_000, 19_030), min_size=1, max_size=40))
def test_runs(numbers: list[int]) -> None:
    last, bits = build(numbers)
    lengths = []
    for day in range(18_998, 19_034):
        length = 0
        while day - length in numbers:
            length += 1
        lengths.append(length)
        assert days.run_ending_on(last, bits, day) == length
    assert days.longest_run(bits) == max(lengths)


def test_the_empty_set_has_no_run() -> None:
    assert days.longest_run(0) == 0
    assert days.run_ending_on(days.NO_DAY, 0, 5) == 0
