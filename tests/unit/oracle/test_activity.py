from typing import Any

import pytest

from schemas.apps import AppCatalog
from tests.oracle.tables import tables
from tests.oracle.view import Row
from tests.unit.oracle.worked import day, did, judged, one_app, oracle_of, view


@pytest.mark.parametrize(
    ("on", "row"),
    [
        ("2024-02-01", (1, 1, 1, 1, 1.0, 1)),
        ("2024-02-06", (0, 1, 1, 0, 0.0, 1)),
        ("2024-02-07", (1, 2, 2, 1, 0.5, 1)),  # the first of the seven days is the 1st
        ("2024-02-08", (0, 1, 2, 0, 0.0, 1)),
        ("2024-02-14", (0, 0, 2, 0, 0.0, 1)),
        ("2024-02-27", (0, 0, 2, 0, 0.0, 1)),
        ("2024-02-28", (0, 0, 2, 0, 0.0, 0)),  # three days before today can still change
        ("2024-03-01", (0, 0, 2, 0, 0.0, 0)),  # the first of the thirty days is 1 February
        ("2024-03-02", (1, 1, 1, 0, 1.0, 0)),
    ],
)
def test_active_users_of_trailing_windows(on: str, row: Row) -> None:
    rows = view("active_users", did("u1", "2024-02-01"), did("u2", "2024-02-07"), did("u2", "2024-03-02"))
    assert rows[day(on),] == row
    assert len(rows) == 31


def test_stickiness_of_nobody_is_null() -> None:
    rows = view("active_users", did("u", "2024-01-01"), did("u", "2024-02-05"))
    assert rows[day("2024-01-30"),] == (0, 0, 1, 0, 0.0, 1)
    assert rows[day("2024-01-31"),] == (0, 0, 0, 0, None, 1)


#: u1 comes, comes again, stays away a day and returns; u2 comes once.
COMINGS = (did("u1", "2024-03-01"), did("u1", "2024-03-02"), did("u2", "2024-03-02"), did("u1", "2024-03-04"))


def test_lifecycle() -> None:
    assert view("lifecycle_daily", *COMINGS) == {
        (day("2024-03-01"),): (1, 1, 0, 0, 0, 0),
        (day("2024-03-02"),): (2, 1, 1, 0, 0, 0),
        (day("2024-03-03"),): (0, 0, 0, 0, 2, 0),
        (day("2024-03-04"),): (1, 0, 0, 1, 0, 0),
    }


def test_lifecycle_is_complete_once_the_day_is_closed() -> None:
    rows = view("lifecycle_daily", did("u", "2024-03-01"), did("u", "2024-03-05"))
    assert [row[-1] for row in rows.values()] == [1, 0, 0, 0, 0]


def test_histogram_counts_active_days_in_each_window() -> None:
    rows = view("activity_histogram", *COMINGS)
    assert rows == {
        (day("2024-03-01"), 7, 1): (1,),
        (day("2024-03-01"), 28, 1): (1,),
        (day("2024-03-02"), 7, 1): (1,),
        (day("2024-03-02"), 7, 2): (1,),
        (day("2024-03-02"), 28, 1): (1,),
        (day("2024-03-02"), 28, 2): (1,),
        (day("2024-03-03"), 7, 1): (1,),
        (day("2024-03-03"), 7, 2): (1,),
        (day("2024-03-03"), 28, 1): (1,),
        (day("2024-03-03"), 28, 2): (1,),
        (day("2024-03-04"), 7, 1): (1,),
        (day("2024-03-04"), 7, 3): (1,),
        (day("2024-03-04"), 28, 1): (1,),
        (day("2024-03-04"), 28, 3): (1,),
    }


def test_histogram_windows_end_after_7_and_28_days() -> None:
    rows = view("activity_histogram", did("u", "2024-02-01"), did("v", "2024-03-20"))
    assert max(on for on, window, _ in rows if window == 7 and on < day("2024-03-01")) == day("2024-02-07")
    assert max(on for on, window, _ in rows if window == 28 and on < day("2024-03-01")) == day("2024-02-28")


def test_streaks_by_length_on_each_day() -> None:
    assert view("streaks_daily", *COMINGS) == {
        (day("2024-03-01"), "activity", 1): (1,),
        (day("2024-03-02"), "activity", 2): (1,),
        (day("2024-03-02"), "activity", 1): (1,),
        (day("2024-03-04"), "activity", 1): (1,),
    }


def test_late_event_heals_the_streak() -> None:
    rows = view("streaks_daily", *COMINGS, did("u1", "2024-03-03"))
    assert rows[day("2024-03-03"), "activity", 3] == (1,)
    assert rows[day("2024-03-04"), "activity", 4] == (1,)
    assert (day("2024-03-04"), "activity", 1) not in rows


def test_made_up_day_counts_as_checked_in_and_not_as_active() -> None:
    events = (
        did("u", "2024-03-01", "check_in"),
        did("u", "2024-03-03", "check_in"),
        did("u", "2024-03-04", "check_in", for_day="2024-03-02"),
    )
    assert view("streaks_daily", *events) == {
        (day("2024-03-01"), "check_in", 1): (1,),
        (day("2024-03-02"), "check_in", 2): (1,),
        (day("2024-03-03"), "check_in", 3): (1,),
        (day("2024-03-01"), "activity", 1): (1,),
        (day("2024-03-03"), "activity", 1): (1,),
        (day("2024-03-04"), "activity", 2): (1,),
    }


def test_made_up_day_may_lie_before_the_first_active_day() -> None:
    events = (did("u", "2024-03-01", "check_in"), did("u", "2024-03-01", "check_in", for_day="2024-02-29"))
    rows = view("streaks_daily", *events)
    assert rows[day("2024-02-29"), "check_in", 1] == (1,)
    assert rows[day("2024-03-01"), "check_in", 2] == (1,)
    assert min(on for (on,) in view("active_users", *events)) == day("2024-03-01")


def test_check_in_that_does_not_qualify_makes_a_streak_but_no_active_user() -> None:
    catalog = one_app(qualifying=frozenset({"order_paid"}))
    oracle = oracle_of(did("u", "2024-03-01", "check_in"), catalog=catalog)
    assert oracle.views["streaks_daily"].rows == {("a", day("2024-03-01"), "check_in", 1): (1,)}
    assert not oracle.views["user_activity"].rows
    assert not oracle.views["active_users"].rows


def user(user_id: str, *events: dict[str, Any]) -> dict[str, Any]:
    columns = oracle_of(*events).views["user_activity"].columns
    return dict(zip(columns, view("user_activity", *events)[user_id,], strict=True))


def test_user_of_today() -> None:
    u1 = user(
        "u1", *COMINGS, did("u1", "2024-03-04", "check_in"), did("u1", "2024-03-04", "check_in", for_day="2024-03-03")
    )
    assert u1 == {
        "first_date": day("2024-03-01"),
        "last_date": day("2024-03-04"),
        "active_days_1": 1,
        "active_days_7": 3,
        "active_days_14": 3,
        "active_days_30": 3,
        "check_ins_1": 1,
        "check_ins_7": 2,
        "check_ins_14": 2,
        "check_ins_30": 2,
        "streak": 1,
        "longest_streak": 2,
        "check_in_streak": 2,
        "longest_check_in_streak": 2,
        "streak_started": day("2024-03-04"),
        "expires_on": day("2024-03-06"),
        "lifecycle": "resurrected",
        "scene": "",
        "platform": "",
        "app_version": "",
        "channel": "",
        "campaign": "",
        "variant": "",
        "city": "",
        "district": "",
        "inviter_id": "",
        "at_risk": 0,
        "check_in_started": day("2024-03-03"),
        "check_in_expires_on": day("2024-03-06"),
    }


def test_user_of_yesterday_keeps_the_streak_at_risk() -> None:
    u = user("u", did("u", "2024-02-29"), did("u", "2024-03-01"), did("v", "2024-03-02"))
    assert (u["streak"], u["streak_started"], u["expires_on"]) == (2, day("2024-02-29"), day("2024-03-03"))
    assert (u["at_risk"], u["lifecycle"], u["active_days_1"], u["active_days_7"]) == (1, "dormant", 0, 2)


def test_user_of_two_days_ago_has_no_streak_left() -> None:
    u = user("u", did("u", "2024-02-29"), did("u", "2024-03-01"), did("v", "2024-03-03"))
    assert (u["streak"], u["streak_started"], u["expires_on"], u["at_risk"]) == (0, None, None, 0)
    assert (u["lifecycle"], u["longest_streak"]) == ("inactive", 2)
    assert (u["check_in_streak"], u["longest_check_in_streak"], u["check_in_started"]) == (0, 0, None)


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (("2024-03-04",), "new"),
        (("2024-03-03", "2024-03-04"), "retained"),
        (("2024-03-02", "2024-03-04"), "resurrected"),
        (("2024-03-03",), "dormant"),
        (("2024-03-02",), "inactive"),
    ],
)
def test_stage_of_life_today(days: tuple[str, ...], stage: str) -> None:
    events = [did("u", on) for on in days]
    assert user("u", *events, did("v", "2024-03-04"))["lifecycle"] == stage


def test_rolling_windows_end_today_and_hold_30_days_at_most() -> None:
    # 30 days that end on 30 March begin on the 1st.
    u = user("u", *(did("u", f"2024-{on}") for on in ("02-29", "03-01", "03-16", "03-17", "03-23", "03-24", "03-30")))
    assert [u[f"active_days_{length}"] for length in (1, 7, 14, 30)] == [1, 2, 4, 6]


def test_attributes_are_those_of_the_earliest_qualifying_event_whenever_it_arrived() -> None:
    later = did("u", "2024-03-02", scene=1001, city="上海", inviter_id="friend")
    earlier = did("u", "2024-03-01", scene="1089", platform="ios")
    told = did("u", "2024-02-29", "message_sent", city="深圳")
    for order in ((later, earlier, told), (earlier, told, later)):
        u = user("u", *order)
        assert (u["scene"], u["platform"], u["city"], u["inviter_id"]) == ("1089", "ios", "", "")


def test_events_of_one_millisecond_need_the_hash_only_when_they_differ() -> None:
    one = did("u", "2024-03-01", city="上海")
    assert not oracle_of(one, did("u", "2024-03-01", "share", city="上海")).undetermined
    differing = oracle_of(one, did("u", "2024-03-01", "share", city="北京"))
    assert len(differing.undetermined) == 1
    assert "city" in differing.undetermined[0]


def test_hash_settles_a_tie_of_one_millisecond() -> None:
    events = (did("u", "2024-03-01", city="上海"), did("u", "2024-03-01", "share", city="北京"))
    for smallest, city in ((events[0], "上海"), (events[1], "北京")):

        def id_hash(event_id: str, smallest: str = smallest["event_id"]) -> int:
            return 0 if event_id == smallest else 2**64 - 1

        oracle = tables(judged(*events), AppCatalog(), id_hash)
        assert city in oracle.views["user_activity"].rows["a", "u"]
        assert not oracle.undetermined
