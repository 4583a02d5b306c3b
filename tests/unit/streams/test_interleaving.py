"""After a crash the two input topics are read again in another order: nothing may be lost or overwritten by it."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from schemas.apps import AppCatalog
from schemas.tables import TABLES, RowBatch
from schemas.topics import EVENTS, REKEYED
from schemas.validator import EventValidator
from streams.partition import Partition, PartitionFlush
from streams.positions import FLUSH_KEY, PROGRESS_KEY, decode_flush_point
from streams.settings import StreamSettings
from streams.store import Records
from streams.table import UsersTable
from tests.unit.core.support import Record, event

CATALOG = AppCatalog()
AT_END = {EVENTS.name: True, REKEYED.name: True}
BEHIND = {EVENTS.name: False, REKEYED.name: False}
KEYS = {"cells": ("epoch", "family", "app_id", "start", "n", "segment", "value", "partition"), "users": ("user_id",)}


class Replacing:
    """Tables that keep, of the rows of one key, the one with the highest version, and of equal ones the last."""

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}

    def insert(self, batch: RowBatch) -> None:
        for table, key in KEYS.items():
            for values in zip(*batch.columns.get(table, []), strict=True):
                row = dict(zip(TABLES[table].columns, values, strict=True))
                identity = (table, *(row[column] for column in key))
                known = self.rows.get(identity)
                if known is None or row["version"] >= known["version"]:
                    self.rows[identity] = row

    def values(self) -> dict[Any, Any]:
        return {
            identity: {name: value for name, value in row.items() if name != "version"}
            for identity, row in self.rows.items()
            if row.get("users", 1)
        }


def partition(records: Records, generation: int = 1) -> Partition:
    settings = StreamSettings(bootstrap="", app_id="test", apps=CATALOG)
    recovered = Partition(0, settings, EventValidator(CATALOG, 4096), records, lambda _user: 0, generation=generation)
    coroutine = recovered.recover()
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return recovered


def feed(to: Partition, values: Iterable[dict[str, Any]], start: int, *, rekeyed: bool = False) -> None:
    records = [Record(start + index, json.dumps(value).encode()) for index, value in enumerate(values)]
    to.take(REKEYED.name if rekeyed else EVENTS.name, records)


def flush(of: Partition, into: Replacing, at_end: dict[str, bool] = BEHIND) -> PartitionFlush:
    batch = RowBatch()
    taken = of.take_flush(batch, at_end)
    assert taken is not None
    into.insert(batch)
    return taken


#: ``mp.events``: user u is active on day 0; what else is there changes no cell.
DIRECT = [event("d0", 0), *(event(f"x{number}", 0, user="x", name="message_sent") for number in range(10))]
#: ``mp.events.rekeyed``: u is active on day 0 and on day 1, z on day 0.
FORWARDED = [event("r0", 0), event("r1", 1), event("r2", 0, user="z")]


def rows_after_a_crash() -> tuple[dict[Any, Any], dict[Any, Any]]:
    """What stands in the tables, and what should."""
    table = Replacing()
    killed = partition({})
    feed(killed, DIRECT, 0)
    taken = flush(killed, table)  # the rows are stored, then the worker is killed: no user records, no progress record
    successor = partition({FLUSH_KEY: taken.flush_point})
    feed(successor, FORWARDED, 0, rekeyed=True)
    assert successor.take_flush(RowBatch(), BEHIND) is None
    feed(successor, DIRECT, 0)
    assert flush(successor, table).held_back
    flush(successor, table, AT_END)

    calm, expected = partition({}), Replacing()
    feed(calm, DIRECT, 0)
    feed(calm, FORWARDED, 0, rekeyed=True)
    flush(calm, expected, AT_END)
    return table.values(), expected.values()


def test_a_users_row_is_right_after_a_crash_when_the_topics_are_read_in_another_order() -> None:
    found, expected = rows_after_a_crash()
    assert found["users", "u"] == expected["users", "u"]


def test_cells_are_right_after_a_crash_when_the_topics_are_read_in_another_order() -> None:
    found, expected = rows_after_a_crash()
    assert {key: row for key, row in found.items() if key[0] == "cells"} == {
        key: row for key, row in expected.items() if key[0] == "cells"
    }


def test_a_changelog_write_that_arrives_late_does_not_hide_what_the_successor_folded() -> None:
    table = object.__new__(UsersTable)
    table.records = defaultdict(dict)
    slow = partition({})
    feed(slow, [*DIRECT[1:], DIRECT[0]], 0)
    delayed = flush(slow, Replacing())
    # The group gives the partition to another worker, which happens to read the other topic first.
    successor = partition({})
    feed(successor, FORWARDED, 0, rekeyed=True)
    delivered = flush(successor, Replacing())
    for key, record in (*delivered.records, (PROGRESS_KEY, delivered.progress)):
        table.apply(0, key, record)
    # Now the delayed records arrive; the slow worker notices the rebalance before it writes its progress record.
    for key, record in delayed.records:
        table.apply(0, key, record)

    last = partition(table.records[0])
    feed(last, [*DIRECT[1:], DIRECT[0]], 0)
    assert last.next_offset(REKEYED.name) == len(FORWARDED)  # so it will not read r1 again
    assert last.fold.apps["app"].users["u"].days == 0b11


def test_a_cell_that_rose_in_the_flush_that_was_cut_off_and_fell_again_is_published() -> None:
    """No rekeyed traffic: a kill between the rows and the changelog, and a longer first flush of the successor."""
    days = [event(f"e{day}", day) for day in range(3)]
    table = Replacing()
    killed = partition({})
    feed(killed, days[:1], 0)
    taken = flush(killed, table)  # histogram: one active day in the seven days that end on day 2
    successor = partition({FLUSH_KEY: taken.flush_point})
    feed(successor, days, 0)
    for _ in range(2):
        flush(successor, table, AT_END)  # ... three of them, by now

    calm, expected = partition({}), Replacing()
    feed(calm, days, 0)
    flush(calm, expected, AT_END)
    assert table.values() == expected.values()


def test_the_flush_point_of_a_replaced_worker_does_not_hide_its_successors() -> None:
    """The replaced one was further in the sum of both topics; only what its successor published is in the tables."""
    table = object.__new__(UsersTable)
    table.records = defaultdict(dict)
    replaced = partition({}, generation=1)
    feed(replaced, DIRECT, 0)
    successor = partition({}, generation=2)
    feed(successor, FORWARDED, 0, rekeyed=True)
    rows = Replacing()
    published = flush(successor, rows)
    table.apply(0, FLUSH_KEY, published.flush_point)
    # Now the replaced worker wakes up; the group refuses its commit, so its flush point is all it writes.
    table.apply(0, FLUSH_KEY, flush(replaced, Replacing()).flush_point)

    last = partition(table.records[0], generation=3)
    feed(last, DIRECT, 0)
    assert last.take_flush(RowBatch(), BEHIND) is None, "it must first reach what was published"
    feed(last, FORWARDED, 0, rekeyed=True)
    flush(last, rows, AT_END)
    flush(last, rows, AT_END)

    calm, expected = partition({}), Replacing()
    feed(calm, DIRECT, 0)
    feed(calm, FORWARDED, 0, rekeyed=True)
    flush(calm, expected, AT_END)
    assert rows.values() == expected.values()


def test_terms_go_on_when_the_group_counts_its_generations_anew() -> None:
    old = partition({}, generation=57)
    feed(old, DIRECT[:1], 0)
    left = flush(old, Replacing()).flush_point
    new = partition({FLUSH_KEY: left}, generation=0)
    feed(new, DIRECT[:1], 0)
    assert decode_flush_point(flush(new, Replacing()).flush_point).term > decode_flush_point(left).term
