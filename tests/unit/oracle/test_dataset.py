import json
from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import Phase, find, settings

from tests.oracle.contract import instant_ms
from tests.oracle.dataset import CATALOG, Dataset, Size, generate
from tests.oracle.judge import Judgement, Verdict, judge
from tests.oracle.personas import midnight_ms
from tests.oracle.strategies import CATALOG as SMALL
from tests.oracle.strategies import histories, in_partitions
from tests.oracle.tables import Oracle, tables

PARTITIONS = 4


@pytest.fixture(scope="module")
def data() -> Dataset:
    return generate(1, Size(users=20))


@pytest.fixture(scope="module")
def judgement(data: Dataset) -> Judgement:
    return judge(data.messages(PARTITIONS), data.catalog, PARTITIONS)


@pytest.fixture(scope="module")
def oracle(judgement: Judgement) -> Oracle:
    return tables(judgement, CATALOG)


def test_same_seed_gives_the_same_data() -> None:
    assert generate(3, Size(users=2, days=10)) == generate(3, Size(users=2, days=10))
    assert generate(3, Size(users=2, days=10)) != generate(4, Size(users=2, days=10))


@pytest.mark.parametrize("seed", range(5))
def test_every_seed_determines_the_views(seed: int) -> None:
    data = generate(seed, Size(users=5, days=40))
    judgement = judge(data.messages(PARTITIONS), data.catalog, PARTITIONS)
    assert tables(judgement, data.catalog).undetermined == ()
    assert min(event.day for event in judgement.accepted.values()) > 19_000


def test_every_app_sees_every_verdict(judgement: Judgement) -> None:
    seen = {(one.event.app_id, one.verdict) for one in judgement.judged if one.event}
    assert seen == {(app_id, verdict) for app_id in CATALOG.listed for verdict in Verdict if verdict != Verdict.INVALID}
    assert sum(one.verdict is Verdict.INVALID for one in judgement.judged) > 500


def test_one_message_in_seven_is_a_repeat(data: Dataset) -> None:
    copies = Counter(line.value for line in data.lines)
    repeats = sum(count - 1 for count in copies.values()) / len(data.lines)
    assert 0.1 < repeats < 0.2


def test_disorder_reaches_20_hours(judgement: Judgement) -> None:
    behind = []
    latest = 0
    for one in judgement.judged:
        if one.event and one.message.partition == 0 and one.verdict is Verdict.ACCEPTED:
            latest = max(latest, one.event.ts_ms)
            behind.append(latest - one.event.ts_ms)
    hour_ms = 60 * 60 * 1000
    assert sum(18 * hour_ms < ms < 21 * hour_ms for ms in behind) > 10


def test_both_sides_of_midnight_are_told_apart_in_every_app(oracle: Oracle) -> None:
    users = oracle.views["user_activity"].rows
    for app_id, app in CATALOG.listed.items():
        if not app.allowed_lateness or app.strict:
            continue  # some of them come too late
        for day in (date(2024, 1, 1), date(2024, 2, 29), date(2024, 3, 10)):
            assert users[app_id, f"at {day}"][0] == day
            assert users[app_id, f"after {day}"][0] == day
            assert users[app_id, f"before {day}"][0] < day


def test_new_york_gains_and_loses_its_hour() -> None:
    app = CATALOG.listed["wx-newyork"]
    assert midnight_ms(app, date(2024, 3, 10)) == instant_ms("2024-03-10T04:00:00-04:00")
    assert midnight_ms(app, date(2024, 3, 9)) == instant_ms("2024-03-09T04:00:00-05:00")
    assert midnight_ms(app, date(2023, 11, 5)) == instant_ms("2023-11-05T04:00:00-05:00")


def test_times_are_written_in_every_form(judgement: Judgement) -> None:
    texts = [json.loads(one.message.value or b"")["ts"] for one in judgement.judged if one.verdict is Verdict.ACCEPTED]
    assert {type(ts) for ts in texts} == {int, str}
    offsets = {ts[-6:] for ts in texts if isinstance(ts, str) and not ts.endswith("Z")}
    assert {"+08:00", "-05:00", "+05:45", "+14:00", "-00:00"} <= offsets
    assert {len(ts.split(".")[1]) for ts in texts if isinstance(ts, str) and "." in ts and ts.endswith("Z")} >= {
        4,
        7,
        10,
    }


def test_some_first_days_moved(judgement: Judgement) -> None:
    arrived: dict[tuple[str, str], list[int]] = {}
    for one in judgement.judged:
        if one.event and one.event.user_id.startswith("moved first day") and one.verdict is Verdict.ACCEPTED:
            arrived.setdefault((one.event.app_id, one.event.user_id), []).append(one.event.day)
    assert sum(days[0] > min(days) for days in arrived.values()) > 5


def test_users_come_back_after_40_days_and_make_up_check_ins(oracle: Oracle, judgement: Judgement) -> None:
    segments = oracle.views["retention_daily"].rows
    assert any(row[1] for key, row in segments.items() if key[1] == "new" and key[3] == 40)
    made_up = [event for event in judgement.accepted.values() if event.check_in_day not in (None, event.day)]
    assert {event.day - (event.check_in_day or 0) for event in made_up} >= {1, 2, 3}


def test_people_who_were_only_told_are_no_users(oracle: Oracle, judgement: Judgement) -> None:
    assert any(event.user_id == "only told" for event in judgement.accepted.values())
    assert not any(user_id == "only told" for _, user_id in oracle.views["user_activity"].rows)


def test_every_lifecycle_stage_is_there_today(oracle: Oracle) -> None:
    view = oracle.views["user_activity"]
    stages = {row[view.columns.index("lifecycle")] for row in view.rows.values()}
    assert stages == {"new", "retained", "resurrected", "dormant", "inactive"}


def test_lines_hold_what_the_messages_hold(data: Dataset) -> None:
    lines = data.ndjson().split(b"\n")
    assert lines.pop() == b""
    assert Counter(lines) == Counter(line.value for line in data.lines if line.value)
    assert any(line.value is None for line in data.lines)
    assert any(line.value == b"" for line in data.lines)


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.LATE])
def test_small_histories_reach(verdict: Verdict) -> None:
    def reached(history: list[dict[str, Any]]) -> bool:
        return any(one.verdict is verdict for one in judge(in_partitions(history, 2), SMALL, 2).judged)

    found = find(histories(), reached, settings=settings(database=None, phases=[Phase.generate], max_examples=500))
    assert reached(found)
