"""The model's counts against generated traffic, whose users have habits, weekends and a campaign unknown to it."""

from collections import Counter, defaultdict
from functools import cache
from typing import NamedTuple

import pytest

from deploy.capacity_cells import changed_cells, open_cells
from deploy.capacity_population import Behaviour, behaviour
from deploy.traffic import History
from deploy.traffic.clock import DAY_MS, day_of, day_start
from schemas.apps import AppCatalog
from schemas.validator import EventValidator
from streams.core.cells import NEW_DAILY
from streams.core.totals import close_cells, settle
from tests.unit.core.support import Record, new_fold

DAYS, USERS = 40, 4_000
LAST_DAY = 20_780
OPEN_DAYS = 6
#: On the last day; a flush a day before it.
FLUSHES = 10
TOLERANCE = 0.25


class Seen(NamedTuple):
    """Users by (first day, offset), activations and written cells of a flush of the last day, and open cells."""

    users: Counter[tuple[int, int]]
    per_flush: float
    changed: float
    open: int
    segment_values: tuple[int, ...]


@cache
def seen() -> Seen:
    history = History(1, DAYS, USERS, end_ms=day_start(LAST_DAY) + DAY_MS - 1)
    arrived = defaultdict(list)
    for message in history:
        arrived[day_of(message.timestamp_ms)].append(message)
    fold, validator = new_fold(), EventValidator(AppCatalog(), 1 << 16)
    users: Counter[tuple[int, int]] = Counter()
    offset = changed = activations = 0
    for day, messages in arrived.items():
        size = len(messages) // (FLUSHES if day == LAST_DAY else 1) + 1
        for start in range(0, len(messages), size):
            records = [
                Record(offset + number, message.value, message.timestamp_ms)
                for number, message in enumerate(messages[start : start + size])
            ]
            offset += len(records)
            fold.fold_events(records, validator.validate([record.value for record in records]))
            app = fold.apps[history.population.app_id]
            new = Counter({(key >> 16, key & 0xFFFF): n for key, n in app.changes.families[NEW_DAILY].items()})
            users.update(new)
            written = sum(len(group.keys) for group in settle(app))
            if day == LAST_DAY:
                changed += written
                activations += new.total()
        close_cells(app, day - OPEN_DAYS)
    values = Counter(segment for segment, _ in app.totals.segments)
    open_now = sum(len(totals) for _, _, _, _, totals in app.totals.groups())
    return Seen(users, activations / FLUSHES, changed / FLUSHES, open_now, tuple(values.values()))


def daily_users() -> float:
    """The average of the last week."""
    return sum(count for (first, n), count in seen().users.items() if first + n > LAST_DAY - 7) / 7


def model() -> Behaviour:
    """The model for the share of new users and the day-1 retention that the traffic turned out to have."""
    users = seen().users
    new = sum(users[LAST_DAY - back, 0] for back in range(7)) / 7
    returned = sum(count for (_, n), count in users.items() if n == 1)
    came = sum(count for (first, n), count in users.items() if n == 0 and first < LAST_DAY)
    return behaviour(new / daily_users(), returned / came, DAYS)


def test_open_cells_of_generated_traffic() -> None:
    expected = open_cells(model(), daily_users(), seen().segment_values, OPEN_DAYS)
    assert sum(expected.values()) == pytest.approx(seen().open, rel=TOLERANCE)


def test_cells_that_a_flush_of_generated_traffic_writes() -> None:
    expected = changed_cells(model(), seen().per_flush, seen().segment_values)
    assert sum(expected.values()) == pytest.approx(seen().changed, rel=TOLERANCE)
