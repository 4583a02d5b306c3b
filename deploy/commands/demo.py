"""``retention demo``: the whole pipeline on this machine, with the generated life of a mini-program."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from deploy.commands.base import ExampleCommand, passed, status_console
from deploy.commands.traffic import traffic_options
from deploy.settings import load_settings

if TYPE_CHECKING:
    from deploy.settings import Settings

__all__ = ["command"]

KAFKA_PORT: Final = 9092
CLICKHOUSE_PORT: Final = 8123

_WHERE: Final = """
Kafka       {bootstrap}   topic mp.events, key = user_id
ClickHouse  {url}   database {database}

Ask for a table from another terminal:
  curl '{url}/?query=SELECT+*+FROM+{database}.retention_daily+WHERE+retained_users+>+0+LIMIT+5+FORMAT+PrettyCompact'
  RETENTION_CLICKHOUSE_URL={url} retention report --weekly

Publish an event of your own, and find it in user_activity:
  {python} - <<'END'
  import json, time
  from kafka import KafkaProducer
  producer = KafkaProducer(bootstrap_servers="{bootstrap}")
  event = {{"event_id": str(time.time_ns()), "app_id": "{app}", "user_id": "me", "event": "app_open",
           "ts": time.time_ns() // 1_000_000}}
  producer.send("mp.events", key=b"me", value=json.dumps(event).encode())
  producer.flush()
  END
  curl "{url}/?query=SELECT+*+FROM+{database}.user_activity+WHERE+user_id='me'+FORMAT+Vertical"
"""


@click.command(
    "demo",
    cls=ExampleCommand,
    short_help="The whole pipeline here, on generated traffic.",
    examples=(
        "retention demo",
        "retention demo --days 90 --users 5000 --rate 200",
        "retention demo --no-live --data-dir ./demo",
    ),
)
@traffic_options
@click.option(
    "--kafka-port", type=click.IntRange(1, 65535), help="Port of Kafka.  [default: 9092, or a free one if taken]"
)
@click.option(
    "--clickhouse-port",
    type=click.IntRange(1, 65535),
    help="Port of ClickHouse.  [default: 8123, or a free one if taken]",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the data here.  [default: a temporary directory, removed at the end]",
)
@click.option("--fresh", is_flag=True, help="Wipe an earlier run in --data-dir first, and nothing else in it.")
@click.option(
    "--live/--no-live", default=True, help="After the history go on with live events until Ctrl-C.  [default: live]"
)
def command(
    *,
    days: int,
    users: int,
    seed: int,
    rate: float,
    kafka_port: int | None,
    clickhouse_port: int | None,
    data_dir: Path | None,
    fresh: bool,
    live: bool,
) -> None:
    """Start Kafka, ClickHouse and a worker here, publish weeks of generated life, and draw its retention triangle.

    Then live events go on until Ctrl-C. Nothing but this package is needed, and nothing is left behind.
    """
    import asyncio

    from rich.console import Console

    from deploy import traffic
    from deploy.commands.run import fold_all
    from deploy.commands.traffic import publish_past
    from deploy.connection import clickhouse_client
    from deploy.generated import app_of, publish_live
    from deploy.publisher import now_ms
    from deploy.report import fetch, render
    from deploy.rundir import RunDir
    from deploy.stack import Ports, embedded_stack

    settings = load_settings()
    console = status_console()
    if fresh and data_dir is None:
        raise click.UsageError("--fresh belongs to --data-dir", click.get_current_context())
    ports = Ports(
        kafka=kafka_port or KAFKA_PORT,
        clickhouse=clickhouse_port or CLICKHOUSE_PORT,
        kafka_explicit=kafka_port is not None,
        clickhouse_explicit=clickhouse_port is not None,
    )
    with ExitStack() as resources:
        if data_dir is None:
            data_dir = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="retention-demo-")))
        directory = RunDir(data_dir)
        directory.create(fresh=fresh)
        stack = resources.enter_context(embedded_stack(settings, directory, ports))
        passed(console, "Kafka, ClickHouse and a worker are running")
        app = app_of(settings)
        _print_where(stack.settings, app)
        past = traffic.History(seed, days, users, end_ms=now_ms(), app_id=app)
        publish_past(stack.settings, console, past, stack.check)
        totals = fold_all(stack.settings, console, stack.check)
        refused = sum(totals.dead.values())
        passed(console, f"folded: {totals.accepted:,} accepted, {totals.duplicate:,} repeats, {refused:,} refused")
        with clickhouse_client(stack.settings) as client:
            triangle = fetch(client, app)
        click.echo()
        render(triangle, Console(highlight=False))
        if live:
            console.print(f"\nPublishing {rate:g} live events a second; Ctrl-C stops.")
            asyncio.run(
                publish_live(stack.settings, traffic.live(seed, rate, past.end_ms, past.population), stack.check)
            )


def _print_where(settings: "Settings", app: str) -> None:
    click.echo(
        _WHERE.format(
            bootstrap=settings.kafka_bootstrap,
            url=settings.clickhouse_url,
            database=settings.clickhouse_database,
            python=sys.executable,
            app=app,
        )
    )
