"""The cost of a retention triangle: from cells of few and of many users, and from raw events.

    python -m tests.bench.query [--runs N] [--raw-users N ...]

The triangle is 90 cohorts by offsets 0 to 30. It is read over HTTP from the embedded ClickHouse, by one client. Every
table of cells has four apps, 400 days, eight values of two segments, 4 partitions and an epoch that is over. The app
of the 10 k users is folded by a worker from the raw events beside it, and both triangles must agree; all other cells
are made by numbers (see query_cells). Run it on a machine that does nothing else.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.report import fetch
from sinks.migrate import migrate
from tests.bench.query_cells import DAYS, TODAY, app_name, fill_app, fill_progress
from tests.bench.query_fold import fold
from tests.bench.query_measure import Disk, connected, disk, in_turn, machine
from tests.bench.query_raw import APP, COHORTS, RAW_TRIANGLES, event_lines, fill_events

APPS: Final = 4
_SIZES: Final = {"10 k": 10_000, "1 M": 1_000_000, "100 M": 100_000_000}
_FOLDED: Final = "10 k"
_EPOCH, _OVER = 2, 1
#: First day of the triangle.
_SINCE: Final = (date(1970, 1, 1) + timedelta(days=TODAY - COHORTS + 1)).isoformat()

_TRIANGLE: Final = (
    "SELECT cohort_date, day_n, cohort_users, retained_users, retention_rate, is_complete FROM retention_daily "
    "WHERE app_id = {app:String} AND audience = 'new' AND cohort_date >= {since:Date} AND day_n <= 30"
)
_BOTH: Final = _TRIANGLE.replace("AND audience = 'new' ", "")
_COMPARABLE: Final = (
    "SELECT cohort_date, day_n, retained_users FROM retention_daily WHERE app_id = {app:String} AND audience = 'new' "
    "AND day_n <= 30 AND retained_users > 0 ORDER BY cohort_date, day_n"
)


def main() -> None:
    """Build the tables, measure in turn, print."""
    parser = argparse.ArgumentParser(description="The cost of a retention triangle.")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--raw-users", type=int, nargs="*", default=[10_000, 1_000_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        with EmbeddedClickHouse(base / "data", None, base) as server:
            clients = {name: connected(server.url, f"bench_{users}") for name, users in _SIZES.items()}
            raw = {users: connected(server.url, f"raw_{users}") for users in options.raw_users}
            for users, client in raw.items():
                client.command(f"CREATE DATABASE {client.database}", use_database=False)
                _say(f"making raw events of {users:,} users")
                fill_events(client, users)
            before: dict[str, Disk] = {}
            for name, client in clients.items():
                _say(f"making cells of {name} users")
                before[name] = _build(client, name, server.url, base)
            print(machine(clients[_FOLDED]))
            print(
                f"\ntriangle of {COHORTS} cohorts by 31 offsets; milliseconds: median (least to most) of {options.runs}"
            )
            _measure(clients, before, options.runs)
            _measure_raw(raw, clients[_FOLDED], options.runs)
            for client in (*clients.values(), *raw.values()):
                client.close()


def _say(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _app(name: str) -> str:
    return APP if name == _FOLDED else app_name(0)


def _build(client: Client, name: str, url: str, base: Path) -> Disk:
    """Fill one database; returns what its cells take before anything is merged by force."""
    migrate(client, _EPOCH)
    fill_app(client, app_name(0), _SIZES[name], _OVER)
    for number in range(1 if name == _FOLDED else 0, APPS):
        fill_app(client, app_name(number), _SIZES[name], _EPOCH)
    if name == _FOLDED:
        source = connected(url, "fold_source")
        source.command("CREATE DATABASE fold_source", use_database=False)
        fill_events(source, _SIZES[name])
        fold(event_lines(source), url, str(client.database), base, _EPOCH)
        _must_agree(client, source)
        source.close()
    else:
        fill_progress(client, _EPOCH)
    return disk(client, "cells", str(_EPOCH))


def _must_agree(cells: Client, raw: Client) -> None:
    """Refuse to measure unless both ways give the same numbers."""
    counted = cells.query(_COMPARABLE, {"app": APP}).result_rows
    for way, sql in RAW_TRIANGLES.items():
        if raw.query(sql, {"app": APP}).result_rows != counted:
            raise SystemExit(f"the triangle of the cells differs from that of the raw events by {way}")


def _calls(clients: dict[str, Client]) -> dict[str, Callable[[], object]]:
    calls: dict[str, Callable[[], object]] = {}
    for name, client in clients.items():
        asked = {"app": _app(name), "since": _SINCE}
        calls[f"{name}: new users"] = partial(client.query, _TRIANGLE, asked)
        calls[f"{name}: both audiences"] = partial(client.query, _BOTH, asked)
        calls[f"{name}: as retention report"] = partial(fetch, client, _app(name), cohorts=COHORTS, columns=range(31))
    return calls


def _measure(clients: dict[str, Client], before: dict[str, Disk], runs: int) -> None:
    loose = in_turn(_calls(clients), runs)
    for client in clients.values():
        client.command("OPTIMIZE TABLE cells FINAL", settings={"mutations_sync": 2})
    merged = in_turn(_calls(clients), runs)
    print(f"\n{'cells of users: query':<34}{'parts as they came':<34}merged")
    for name, timing in loose.items():
        print(f"{name:<34}{timing!s:<34}{merged[name]}")
    few, many = (merged[f"{name}: new users"].median for name in ("10 k", "100 M"))
    print(f"100 M to 10 k, new users, merged: {many / few:.2f}")
    print(f"\n{'':<16}{'as they came':<39}merged")
    print(f"{'cells of users':<16}" + 2 * f"{'rows':>12}{'parts':>7}{'bytes per app-day':>20}")
    for name, client in clients.items():
        then, now = before[name], disk(client, "cells", str(_EPOCH))
        app_days = (APPS - 1) * DAYS + COHORTS if name == _FOLDED else APPS * DAYS
        print(f"{name:<16}" + "".join(_size(size, app_days) for size in (then, now)))


def _size(size: Disk, app_days: int) -> str:
    return f"{size.rows:>12,}{size.parts:>7}{size.bytes / app_days:>20,.0f}"


def _measure_raw(raw: dict[int, Client], cells: Client, runs: int) -> None:
    """The same triangle from raw events, in turn with the one from the cells."""
    few = max(3, runs // 6)
    columns = f"{'times cells':>12}{'rows':>14}{'bytes per app-day':>20}"
    print(f"\n{'raw events of users: query':<34}{'milliseconds':<34}{columns}")
    for users, client in raw.items():
        asked = {"app": APP, "since": _SINCE}
        ways = {way: partial(client.query, sql, {"app": APP}) for way, sql in RAW_TRIANGLES.items()}
        timings = in_turn({"cells": partial(cells.query, _TRIANGLE, asked), **ways}, few)
        size = disk(client, "raw_events", "tuple()")
        for way in ways:
            ratio = timings[way].median / timings["cells"].median
            label = f"{users:,}: {way}"
            bytes_per_day = size.bytes / COHORTS
            print(f"{label:<34}{timings[way]!s:<34}{ratio:>12.1f}{size.rows:>14,}{bytes_per_day:>20,.0f}")


if __name__ == "__main__":
    main()
