import math
from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from tests.oracle.compare import Difference, Kind, assert_equal_views, differences, differences_of_rows, report
from tests.oracle.dataset import Size, generate
from tests.oracle.judge import judge
from tests.oracle.operations import COUNTERS, EVENTS, REKEYED
from tests.oracle.tables import tables
from tests.oracle.view import View
from tests.unit.oracle.publishing import altered, publish, published_rows
from tests.unit.oracle.worked import did, oracle_of

DATA = generate(5, Size(users=4, days=16))
ORACLE = tables(judge(DATA.messages(3), DATA.catalog, 3), DATA.catalog)
VIEWS = sorted(ORACLE.views)
RATES = View("v", ("day",), ("rate",), {(1,): (0.25,), (2,): (None,)})


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """The ClickHouse engine in this process, with every view published as a table."""
    client = clickhouse_connect.get_client(interface="chdb")
    client.command("CREATE DATABASE published")
    client.database = "published"
    for view in ORACLE.views.values():
        publish(client, view, published_rows(view))
    yield client
    client.command("DROP DATABASE published")
    client.close()


@pytest.fixture
def republished(client: Client, request: pytest.FixtureRequest) -> Iterator[View]:
    """The view a test publishes otherwise, made right again after it."""
    view = ORACLE.views[request.param]
    yield view
    publish(client, view, published_rows(view))


every_view = pytest.mark.parametrize("republished", VIEWS, indirect=True)
progress = pytest.mark.parametrize("republished", ["pipeline_progress"], indirect=True)


def test_what_was_published_as_the_oracle_says_is_equal(client: Client) -> None:
    assert all(view.rows for view in ORACLE.views.values())
    assert differences(client, ORACLE) == []
    assert_equal_views(client, ORACLE)


@every_view
def test_missing_row_is_noticed(client: Client, republished: View) -> None:
    rows = published_rows(republished)
    publish(client, republished, rows[1:])
    found = differences(client, ORACLE, [republished.name])
    missing = [one.key for one in found if one.kind is Kind.MISSING]
    assert missing == [rows[0][: len(republished.keys)]]


@every_view
def test_repeated_row_is_noticed(client: Client, republished: View) -> None:
    rows = published_rows(republished)
    publish(client, republished, [*rows, rows[0]])
    found = differences(client, ORACLE, [republished.name])
    assert Kind.REPEATED in {one.kind for one in found}


@every_view
def test_unexpected_row_is_noticed(client: Client, republished: View) -> None:
    rows = published_rows(republished)
    last_key = len(republished.keys) - 1
    strange = (*rows[0][:last_key], altered("", max(row[last_key] for row in rows)), *rows[0][last_key + 1 :])
    publish(client, republished, [*rows, strange])
    found = differences(client, ORACLE, [republished.name])
    assert Kind.UNEXPECTED in {one.kind for one in found}


@every_view
def test_wrong_value_is_noticed_in_every_column(client: Client, republished: View) -> None:
    rows = published_rows(republished)
    wrong = [list(row) for row in rows]
    columns = {}
    for position, column in enumerate(republished.columns, len(republished.keys)):
        candidates = [number for number, row in enumerate(rows) if row[position] not in (None, [])]
        number = candidates[0]
        wrong[number][position] = altered(column, rows[number][position])
        columns[column] = rows[number][: len(republished.keys)]
    publish(client, republished, [tuple(row) for row in wrong])
    found = differences(client, ORACLE, [republished.name])
    assert {one.column: one.key for one in found if one.kind is Kind.VALUE} == columns


@every_view
def test_missing_column_is_named(client: Client, republished: View) -> None:
    publish(client, republished, published_rows(republished), without=[republished.columns[0]])
    expected = Difference(republished.name, Kind.MISSING_COLUMN, column=republished.columns[0])
    assert differences(client, ORACLE, [republished.name]) == [expected]


@pytest.mark.parametrize("republished", ["user_activity"], indirect=True)
def test_optional_columns_may_be_absent(client: Client, republished: View) -> None:
    publish(client, republished, published_rows(republished), without=republished.optional)
    assert differences(client, ORACLE, [republished.name]) == []


@progress
def test_counters_are_read_behind_the_view_when_it_does_not_show_them(client: Client, republished: View) -> None:
    rows = published_rows(republished)
    publish(client, republished, rows, name="counted")
    publish(client, republished, rows, without=COUNTERS, name="shown")
    client.command("CREATE OR REPLACE VIEW pipeline_progress_shown AS SELECT 1 AS epoch, * FROM shown")
    client.command("DROP TABLE pipeline_progress")
    client.command("RENAME TABLE pipeline_progress_shown TO pipeline_progress")
    client.command(
        "CREATE OR REPLACE TABLE progress ENGINE = ReplacingMergeTree ORDER BY (epoch, topic, partition) "
        "AS SELECT number + 1 AS epoch, counted.* FROM counted, numbers(2) AS epochs"
    )
    client.command("SYSTEM STOP MERGES progress")
    client.command("INSERT INTO progress SELECT * REPLACE (late + 7 AS late) FROM progress")
    client.command("INSERT INTO progress SELECT 1 AS epoch, * FROM counted")
    assert differences(client, ORACLE, ["pipeline_progress"]) == []
    client.command("INSERT INTO progress SELECT 1 AS epoch, * REPLACE (late + 1 AS late) FROM counted")
    assert {one.column for one in differences(client, ORACLE, ["pipeline_progress"])} == {"late", "consumed"}


@progress
def test_rekeyed_repeats_are_allowed_after_a_restart_only(client: Client, republished: View) -> None:
    names = (*republished.keys, *republished.columns)
    rows = []
    for row in published_rows(republished):
        fields = dict(zip(names, row, strict=True))
        if fields["topic"] == REKEYED:
            fields |= {name: fields[name] + 5 for name in ("offset", "consumed", "duplicate")}
        rows.append(tuple(fields.values()))
    publish(client, republished, rows)
    assert {one.column for one in differences(client, ORACLE, ["pipeline_progress"])} >= {"offset", "consumed"}
    assert differences(client, ORACLE, ["pipeline_progress"], restarted=True) == []


@progress
def test_own_events_are_counted_exactly_also_after_a_restart(client: Client, republished: View) -> None:
    names = (*republished.keys, *republished.columns)
    rows = []
    for row in published_rows(republished):
        fields = dict(zip(names, row, strict=True))
        if fields["topic"] == EVENTS:
            fields |= {name: fields[name] + 1 for name in ("consumed", "late")}
        rows.append(tuple(fields.values()))
    publish(client, republished, rows)
    found = differences(client, ORACLE, ["pipeline_progress"], restarted=True)
    assert {one.column for one in found} == {"consumed", "late"}


@progress
def test_event_accepted_in_no_topic_is_noticed(client: Client, republished: View) -> None:
    names = (*republished.keys, *republished.columns)
    rows = []
    for row in published_rows(republished):
        fields = dict(zip(names, row, strict=True))
        if fields["topic"] == EVENTS:
            expected = ORACLE.views["pipeline_progress"].rows[EVENTS, fields["partition"]][3]
            fields["duplicate"] += fields["accepted"] - expected.low
            fields["accepted"] = expected.low
        rows.append(tuple(fields.values()))
    publish(client, republished, rows)
    found = differences(client, ORACLE, ["pipeline_progress"])
    assert {(one.kind, one.column) for one in found} == {(Kind.IDENTITY, "accepted")}


@progress
def test_partition_that_holds_nothing_may_be_shown(client: Client, republished: View) -> None:
    untouched = (EVENTS, 99, 0, None, *[0] * len(COUNTERS))
    publish(client, republished, [*published_rows(republished), untouched])
    assert differences(client, ORACLE, ["pipeline_progress"]) == []


def test_rates_are_equal_to_a_part_in_a_trillion() -> None:
    assert differences_of_rows(RATES, ["rate"], [(1, 0.25 + 5e-13), (2, None)]) == []
    assert len(differences_of_rows(RATES, ["rate"], [(1, 0.25 + 5e-12), (2, None)])) == 1


@pytest.mark.parametrize("value", [None, math.nan, 0])
def test_rate_that_is_none_is_a_difference(value: float | None) -> None:
    assert len(differences_of_rows(RATES, ["rate"], [(1, value), (2, None)])) == 1


def test_null_rate_is_not_nan_or_zero() -> None:
    assert len(differences_of_rows(RATES, ["rate"], [(1, 0.25), (2, math.nan)])) == 1
    assert len(differences_of_rows(RATES, ["rate"], [(1, 0.25), (2, 0.0)])) == 1


def test_report_counts_by_view_and_shows_the_first_of_each() -> None:
    found = [Difference("a", Kind.VALUE, (number,), "users", 1, 2) for number in range(5)]
    found.append(Difference("b", Kind.MISSING, ("x",), expected=(7,)))
    assert report(found, first=2).splitlines() == [
        "6 differences",
        "  a: 5 × value",
        "  b: 1 × missing row",
        "    a(0,): users is 2, must be 1",
        "    a(1,): users is 2, must be 1",
        "    … and 3 more of a",
        "    b('x',): missing row, must be (7,)",
    ]


@pytest.mark.parametrize("republished", ["active_users"], indirect=True)
def test_assertion_carries_the_report(client: Client, republished: View) -> None:
    publish(client, republished, [])
    with pytest.raises(AssertionError, match=rf"active_users: {len(republished.rows)} × missing row"):
        assert_equal_views(client, ORACLE)


def test_messages_that_leave_the_views_open_are_not_compared(client: Client) -> None:
    oracle = oracle_of(did("u", "2024-03-01", city="上海"), did("u", "2024-03-01", "share", city="北京"))
    with pytest.raises(ValueError, match="do not determine"):
        differences(client, oracle)
