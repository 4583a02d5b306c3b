"""Cells of many users at once are those of the users one by one."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.apps import AppSettings
from streams.core import day_sets as day_sets_module
from streams.core import days
from streams.core.app_fold import AppFold
from streams.core.cells import Cells
from streams.core.columns import contribute_all, contribute_check_ins_all, contribute_segments_all
from streams.core.contributions import contribute, contribute_check_ins
from streams.core.day_sets import DaySets
from streams.core.state import Attributes

#: 2023-12-20: what lies around it has a leap day, ends of months and of a year.
BASE = 19_711
SEGMENTS = (("scene", 0), ("channel", 3))
ATTRIBUTES: list[Attributes] = [
    ("1001", "ios", "", "", "", "", "", "", ""),
    ("1001", "ios", "", "wechat", "", "", "", "", ""),
    ("1011", "", "", "wechat", "", "", "", "", ""),
]

#: Days that lie close together, weeks and months apart, and around the horizon of 365 days.
spans = st.one_of(
    st.integers(0, 12), st.integers(0, 70), st.integers(360, 370), st.sampled_from([28, 29, 30, 31, 90, 364, 365, 366])
)
sets = st.tuples(st.integers(0, 80), st.lists(spans, min_size=1, max_size=12))


def bit_set(start: int, offsets: Sequence[int]) -> tuple[int, int]:
    last, bits = days.NO_DAY, 0
    for offset in offsets:
        last, bits = days.add(last, bits, BASE + start + offset)
    return last, bits


def day_sets(of: Sequence[tuple[int, int]]) -> DaySets:
    raw = [bits.to_bytes((bits.bit_length() + 7) // 8, "little") for _, bits in of]
    sizes = np.array([len(one) for one in raw])
    return DaySets(
        np.array([last for last, _ in of]),
        np.array([bits.bit_length() for _, bits in of]),
        np.cumsum(sizes) - sizes,
        np.frombuffer(b"".join(raw), np.uint8),
    )


def nonzero(cells: Cells) -> dict[tuple[str, str, str, int, int], int]:
    return {
        (family, segment, value, key >> 16, key & 0xFFFF): number
        for family, segment, value, _, numbers in cells.groups()
        for key, number in numbers.items()
        if number
    }


@pytest.fixture(params=[1, 400, 8_000_000], ids=["each alone", "some", "all at once"])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_sets_module, "_AT_ONCE", request.param)


@pytest.mark.usefixtures("at_once")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(sets, min_size=1, max_size=8), st.integers(-5, 520))
def test_many_users_at_once_add_what_they_add_one_by_one(users: list[tuple[int, list[int]]], since: int) -> None:
    states = [bit_set(*user) for user in users]
    codes = [index % len(ATTRIBUTES) for index in range(len(states))]
    since += BASE

    one_by_one = Cells()
    for (last, bits), code in zip(states, codes, strict=True):
        segments = tuple((name, ATTRIBUTES[code][place]) for name, place in SEGMENTS)
        contribute(one_by_one, last, bits, segments, since, 1)
        contribute_check_ins(one_by_one, last, bits, since, 1)

    at_once, columns = Cells(), day_sets(states)
    contribute_all(at_once, columns, since)
    contribute_segments_all(at_once, columns, np.array(codes), ATTRIBUTES, segments=SEGMENTS, since=since)
    contribute_check_ins_all(at_once, columns, since)
    assert nonzero(at_once) == nonzero(one_by_one)


@given(st.lists(st.integers(1, 600), min_size=1, max_size=60), st.integers(1, 1_000))
def test_a_long_set_widens_few_others(lengths: list[int], at_once: int) -> None:
    sets = day_sets([(BASE + length % 3, 1 << length - 1 | 1) for length in lengths])
    taken: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(day_sets_module, "_AT_ONCE", at_once)
        for day, rows in sets.by_last_day(BASE + 1):
            flags = sets.flags(rows)
            assert len(rows) == 1 or len(rows) * (flags.shape[1] - 1) <= at_once
            assert set(sets.last[rows].tolist()) == {day}
            taken += rows.tolist()
    assert sorted(taken) == [row for row, length in enumerate(lengths) if length % 3]


def test_an_app_counts_many_users_at_once_by_its_own_segments() -> None:
    states = [bit_set(0, [0, 1]), bit_set(3, [0]), bit_set(3, [0, 2])]
    app, expected = AppFold("app", AppSettings(segments=("channel",))), Cells()
    app.add_many(day_sets(states), np.arange(3), ATTRIBUTES, day_sets(states[:1]), BASE)
    for (last, bits), attributes in zip(states, ATTRIBUTES, strict=True):
        contribute(expected, last, bits, (("channel", attributes[3]),), BASE, 1)
    contribute_check_ins(expected, *states[0], BASE, 1)
    assert nonzero(app.totals) == nonzero(expected)
