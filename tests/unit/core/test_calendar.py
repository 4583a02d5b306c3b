from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.apps import AppSettings
from streams.core import calendar
from streams.core.app_fold import AppFold
from streams.core.calendar import Calendar, month_start, next_month, previous_month, week_start

EPOCH = date(1970, 1, 1)
ZONES = sorted(available_timezones())


def number(d: date) -> int:
    return (d - EPOCH).days


@given(
    zone=st.sampled_from(ZONES),
    cutoff=st.integers(0, 1439),
    ts=st.integers(946_684_800_000, 4_102_444_799_999),
)
def test_local_day_is_the_date_of_the_wall_clock_less_the_cutoff(zone: str, cutoff: int, ts: int) -> None:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ts)
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert Calendar(zone, cutoff).local_day(ts) == number((wall - timedelta(minutes=cutoff)).date())


@given(
    zone=st.sampled_from(ZONES),
    cutoff=st.integers(0, 1439),
    ts=st.integers(946_684_800_000, 4_102_444_799_999),
    away=st.lists(st.integers(-1_800_000, 1_800_000) | st.sampled_from((-1, 0)), min_size=2, max_size=8),
)
def test_what_is_remembered_holds_around_the_beginning_of_a_day(
    zone: str, cutoff: int, ts: int, away: list[int]
) -> None:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ts)
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(minutes=cutoff)
    begin = ts - round((wall - datetime(wall.year, wall.month, wall.day)) / timedelta(milliseconds=1))  # noqa: DTZ001
    days = Calendar(zone, cutoff)
    for offset in away:
        assert days.local_day(begin + offset) == Calendar(zone, cutoff).local_day(begin + offset)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "America/Asuncion"])
def test_offsets_change_on_quarters_of_an_hour(zone: str) -> None:
    tz = ZoneInfo(zone)
    step = timedelta(hours=12)
    start = datetime(2000, 1, 1, tzinfo=UTC)
    while start.year < 2038:
        offset = start.astimezone(tz).utcoffset()
        if offset != (start + step).astimezone(tz).utcoffset():
            low, high = 0, int(step.total_seconds())
            while high - low > 1:
                middle = (low + high) // 2
                same = (start + timedelta(seconds=middle)).astimezone(tz).utcoffset() == offset
                low, high = (middle, high) if same else (low, middle)
            assert high % 900 == 0, (zone, start, high)
        start += step


def test_instants_either_side_of_local_midnight_are_on_two_days() -> None:
    shanghai = Calendar("Asia/Shanghai", 0)
    midnight = 1_709_136_000_000  # 2024-02-29T00:00+08:00
    assert shanghai.local_day(midnight - 1) == number(date(2024, 2, 28))
    assert shanghai.local_day(midnight) == number(date(2024, 2, 29))


def test_cutoff_moves_the_small_hours_to_the_day_before() -> None:
    late = Calendar("Asia/Shanghai", 4 * 60)
    assert late.local_day(1_709_136_000_000 + 4 * 3_600_000 - 1) == number(date(2024, 2, 28))
    assert late.local_day(1_709_136_000_000 + 4 * 3_600_000) == number(date(2024, 2, 29))


def test_cache_of_offsets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar, "_CACHED_QUARTERS", 4)
    days = Calendar("Asia/Shanghai", 0)
    found = [days.local_day(1_709_136_000_000 + quarter * 900_000) for quarter in range(200)]
    assert found == [number(date(2024, 2, 29)) + quarter // 96 for quarter in range(200)]
    assert len(days.by_quarter) <= 4


def test_days_far_behind_are_not_remembered() -> None:
    days = Calendar("Asia/Shanghai", 0)
    for quarter in range(365 * 96):
        days.local_day(1_709_136_000_000 + quarter * 900_000)
    assert len(days.by_quarter) <= 100 * 96


def test_apps_with_equal_days_share_what_is_remembered() -> None:
    apps = [AppFold(f"app{number}", AppSettings()) for number in range(3)]
    night = AppFold("night", AppSettings(day_cutoff_minutes=240))
    abroad = AppFold("abroad", AppSettings(time_zone="America/New_York"))
    assert len({id(app.calendar.by_quarter) for app in (*apps, night, abroad)}) == 3
    leap_day = 1_709_136_000_000  # 2024-02-29T00:00+08:00
    found = [app.calendar.local_day(leap_day) for app in (*apps, night, abroad)]
    assert found == [number(date(2024, 2, 29))] * 3 + [number(date(2024, 2, 28))] * 2


@given(st.integers(10_957, 47_482))
def test_weeks_and_months(day: int) -> None:
    d = EPOCH + timedelta(days=day)
    assert week_start(day) == number(d - timedelta(days=d.weekday()))
    start = month_start(day)
    assert start == number(d.replace(day=1))
    assert next_month(start) == number(date(d.year + d.month // 12, d.month % 12 + 1, 1))
    assert previous_month(next_month(start)) == start
