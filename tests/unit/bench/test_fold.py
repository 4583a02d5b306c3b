"""The fold that is measured in other stream processors is right too."""

from collections import Counter
from itertools import permutations

from tests.bench.contenders.fold import Activity, fold, local_day
from tests.bench.workload import DAY_MS, START_MS


def test_state_is_the_set_of_days_in_any_order() -> None:
    for days in permutations([10, 12, 15, 12]):
        state = None
        for day in days:
            state, _ = fold(state, day)
        assert state == Activity(10, 15, 0b100101)


def test_each_new_day_adds_one_user_to_one_cell() -> None:
    state, cells = None, Counter[tuple[int, int]]()
    for day in (10, 10, 11, 17, 17):
        state, cell = fold(state, day)
        if cell is not None:
            cells[cell] += 1
    assert cells == {(10, 0): 1, (10, 1): 1, (10, 7): 1}


def test_the_local_day_begins_at_midnight_in_shanghai() -> None:
    assert local_day({"ts": START_MS}) - local_day({"ts": START_MS - 1}) == 1
    assert local_day({"ts": START_MS + DAY_MS - 1}) == local_day({"ts": START_MS})
