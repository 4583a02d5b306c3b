"""The declared tables, the contract of the views, and what the engine has."""

import pytest

from schemas.tables import TABLES
from sinks.client import Client
from tests.integration.sinks.contract import VIEWS

SORTING_KEYS = {
    "cells": "epoch, family, app_id, start, n, segment, value, partition",
    "users": "epoch, app_id, user_id",
    "refused": "epoch, topic, partition, offset",
    "progress": "epoch, topic, partition",
    "apps": "epoch, app_id",
    "epochs": "epoch",
    "schema_migrations": "name",
}
#: Filled in by ClickHouse, so no row carries it.
DEFAULTED = {"progress": {"updated_at": "DateTime64(3, 'UTC')"}}


def live_columns(client: Client, table: str) -> dict[str, str]:
    found = client.query(
        "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String} "
        "ORDER BY position",
        parameters={"database": client.database, "table": table},
    )
    return {str(name): str(type_name) for name, type_name in found.result_rows}


@pytest.mark.parametrize("table", TABLES)
def test_declared_table_equals_live_table(untouched: Client, table: str) -> None:
    declared = {**TABLES[table].columns, **DEFAULTED.get(table, {})}
    assert list(live_columns(untouched, table).items()) == list(declared.items())


def test_every_table_merges_versions_under_a_stable_key(untouched: Client) -> None:
    found = untouched.query(
        "SELECT name, engine, sorting_key FROM system.tables "
        "WHERE database = {database:String} AND engine != 'View' ORDER BY name",
        parameters={"database": untouched.database},
    )
    assert [tuple(row) for row in found.result_rows] == [
        (name, "ReplacingMergeTree", key) for name, key in sorted(SORTING_KEYS.items())
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_view_has_the_columns_of_the_contract(untouched: Client, view: str) -> None:
    live = live_columns(untouched, view)
    assert list(live.items())[: len(VIEWS[view])] == list(VIEWS[view].items())


def test_views_yield_their_declared_types_by_themselves(untouched: Client) -> None:
    """The engine may put a view's query in the place of its name, and then no declared type is enforced."""
    found = untouched.query(
        "SELECT name, as_select FROM system.tables WHERE database = {database:String} AND engine = 'View'",
        parameters={"database": untouched.database},
    )
    assert len(found.result_rows) > len(VIEWS)
    for view, query in found.result_rows:
        described = untouched.query(f"DESCRIBE ({query})", settings={"print_pretty_type_names": 0})
        assert {row[0]: row[1] for row in described.result_rows} == live_columns(untouched, str(view)), view


def test_every_view_is_described_to_analysts(untouched: Client) -> None:
    found = untouched.query(
        "SELECT name FROM system.tables WHERE database = {database:String} AND comment = ''",
        parameters={"database": untouched.database},
    )
    assert found.result_rows == []


@pytest.mark.parametrize("view", VIEWS)
def test_view_of_an_empty_database_is_empty(untouched: Client, view: str) -> None:
    assert untouched.query(f"SELECT * FROM {view}").result_rows == []


@pytest.mark.parametrize("view", VIEWS)
def test_view_does_not_depend_on_the_readers_join_settings(untouched: Client, view: str) -> None:
    for value in (1, 0):
        assert untouched.query(f"SELECT * FROM {view}", settings={"join_use_nulls": value}).result_rows == []
