from typing import Any

import pytest

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.contract import MAX_EVENT_BYTES, Event, Refused, instant_ms, read_event
from tests.oracle.hostile import malformed, odd, to_json
from tests.unit.oracle.worked import one_app

CATALOG = AppCatalog(listed={"a": AppSettings(), "strict": AppSettings(strict=True)})
#: 2024-02-29 12:00:00 in Shanghai.
GOOD: dict[str, Any] = {
    "event_id": "e1",
    "app_id": "a",
    "user_id": "张 伟",
    "event": "app_open",
    "ts": 1_709_179_200_000,
}
LEAP_DAY = 19_782


def read(catalog: AppCatalog = CATALOG, **fields: Any) -> Event:
    return read_event(to_json({**GOOD, **fields}), catalog)[0]


def test_required_fields_are_enough() -> None:
    assert read() == Event("a", "张 伟", "e1", "app_open", 1_709_179_200_000, LEAP_DAY, None, ("",) * 9)


def test_attributes_keep_their_order_and_scene_becomes_text() -> None:
    named: dict[str, Any] = {"platform": "p", "app_version": "v", "channel": "c", "campaign": "k", "variant": "B"}
    event = read(scene=1001, **named, city="北京", district="d", inviter_id="i")
    assert event.attributes == ("1001", "p", "v", "c", "k", "B", "北京", "d", "i")


@pytest.mark.parametrize("name", malformed(GOOD))
def test_refuses(name: str) -> None:
    with pytest.raises(Refused):
        read_event(malformed(GOOD)[name], CATALOG)


@pytest.mark.parametrize("name", odd(GOOD))
def test_accepts_the_odd(name: str) -> None:
    assert read_event(odd(GOOD)[name], CATALOG)[0].user_id == "张 伟"


def test_last_of_repeated_fields_counts() -> None:
    value = to_json(GOOD).replace(b'"event_id":"e1"', b'"event_id":"first","event_id":"last"')
    assert read_event(value, CATALOG)[0].event_id == "last"


def test_lengths_are_counted_in_characters() -> None:
    assert read(user_id="😀" * 128).user_id == "😀" * 128
    with pytest.raises(Refused, match="user_id"):
        read(user_id="😀" * 129)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T08:00:00.001+08:00", 1),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1970-01-01T05:45:00.1+05:45", 100),
        ("1970-01-01T00:00:00.9999999-00:00", 999),
        ("1970-01-01t00:00:59z", 59_000),
        ("2024-02-29T12:00:00+08:00", 1_709_179_200_000),
    ],
)
def test_times_as_text(text: str, ms: int) -> None:
    assert instant_ms(text) == ms


def test_fraction_is_cut_off_and_never_moves_an_event_to_the_next_day() -> None:
    assert read(ts="2024-02-29T23:59:59.9999999+08:00").day == LEAP_DAY


def test_event_before_the_year_2000_is_refused() -> None:
    assert read(ts=946_684_800_000).day == 10_957
    assert read(one_app(time_zone="America/New_York"), ts="2000-01-01T00:00:00Z").day == 10_956
    for ts in (946_684_799_999, 0, -1, "1999-12-31T23:59:59.999Z"):
        with pytest.raises(Refused, match="2000"):
            read(ts=ts)


def test_value_may_be_as_long_as_the_limit() -> None:
    room = MAX_EVENT_BYTES - len(to_json({**GOOD, "page": ""}))
    assert read(page="x" * room).event_id == "e1"
    with pytest.raises(Refused, match="longer"):
        read(page="x" * (room + 1))


def test_any_app_is_served_without_a_list_and_only_listed_ones_with_it() -> None:
    assert read(AppCatalog(), app_id="whoever").app_id == "whoever"
    with pytest.raises(Refused, match="listed"):
        read(app_id="whoever")


def test_strict_app_refuses_unknown_fields() -> None:
    assert read(app_id="strict", scene=1, props={}, for_day=None, page="p").app_id == "strict"
    with pytest.raises(Refused, match="strict"):
        read(app_id="strict", is_first_day=True)


def test_check_in_fills_its_own_day_or_the_one_it_names() -> None:
    assert read(event="check_in").check_in_day == LEAP_DAY
    assert read(event="check_in", for_day="2024-02-29").check_in_day == LEAP_DAY
    made_up = read(event="check_in", for_day="2024-02-26")
    assert (made_up.day, made_up.check_in_day) == (LEAP_DAY, LEAP_DAY - 3)


@pytest.mark.parametrize(("limit", "for_day"), [(3, "2024-02-25"), (3, "2024-03-01"), (0, "2024-02-28")])
def test_check_in_for_a_day_outside_the_limit_is_refused(limit: int, for_day: str) -> None:
    with pytest.raises(Refused, match="make-up"):
        read(one_app(make_up_days=limit), event="check_in", for_day=for_day)


def test_for_day_has_no_meaning_on_other_events() -> None:
    assert read(for_day="2001-01-01").check_in_day is None


def test_instant_beyond_all_calendars_is_left_to_the_rule_on_the_future() -> None:
    assert read(ts=2**62).day > read(ts=250_000_000_000_000).day
