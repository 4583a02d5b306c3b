"""``retention report``: the retention triangle in the terminal."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from deploy.commands.base import ExampleCommand
from deploy.settings import Settings, load_settings

if TYPE_CHECKING:
    from deploy.triangle import Audience, Period

__all__ = ["command"]


@click.command(
    "report",
    cls=ExampleCommand,
    short_help="Draw the retention triangle.",
    examples=(
        "retention report",
        "retention report --app wx5f0e1c9a7b2d4368 --audience active --cohorts 30",
        "retention report --weekly --data-dir ./data",
        "retention report --segment channel=qr_offline --days 1,3,7,30",
    ),
)
@click.option("--app", help="App to report on; needed when several have data.")
@click.option(
    "--audience", type=click.Choice(["new", "active"]), default="new", show_default=True, help="Users of a cohort."
)
@click.option(
    "--cohorts", type=click.IntRange(min=1), default=14, show_default=True, help="How many of the latest cohorts."
)
@click.option("--days", metavar="N,N,…", help="Offsets to show (days, or weeks or months).  [default: 0–7, 14, 30]")
@click.option("--daily", "period", flag_value="daily", default=True, help="Cohorts by day.  [default]")
@click.option("--weekly", "period", flag_value="weekly", help="Cohorts by week.")
@click.option("--monthly", "period", flag_value="monthly", help="Cohorts by month.")
@click.option("--segment", metavar="NAME=VALUE", help="Only new users with this attribute, such as channel=qr_offline.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Read what 'retention run' or 'retention demo' left in this directory, instead of a server.",
)
def command(
    *,
    app: str | None,
    audience: str,
    cohorts: int,
    days: str | None,
    period: str,
    segment: str | None,
    data_dir: Path | None,
) -> None:
    """Draw the retention triangle: a row per cohort, a column per day (week, month) after it.

    Rates that can still change are marked; the pooled rates at the bottom are over complete cells only.
    """
    from rich.console import Console

    from deploy.connection import clickhouse_client
    from deploy.report import fetch, render

    columns = _offsets(days)
    name, value = _segment(segment)
    if name is not None and (audience, period) != ("new", "daily"):
        raise _usage(
            "--segment cuts the daily retention of new users only: leave out --audience, --weekly and --monthly"
        )
    with ExitStack() as stack:
        settings = load_settings() if data_dir is None else _serve(stack, data_dir)
        client = stack.enter_context(clickhouse_client(settings))
        triangle = fetch(
            client,
            app,
            audience=cast("Audience", audience),
            period=cast("Period", period),
            cohorts=cohorts,
            columns=columns,
            segment=name,
            value=value,
        )
    render(triangle, Console(highlight=False))


def _offsets(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        offsets = [int(part) for part in text.split(",")]
    except ValueError:
        offsets = [-1]
    if min(offsets) < 0:
        raise _usage(f"--days {text!r} is not a list of offsets such as 0,1,7,30")
    return offsets


def _segment(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    name, separator, value = text.partition("=")
    return name, value if separator else None


def _usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context())


def _serve(stack: ExitStack, data_dir: Path) -> Settings:
    """Serve the data at rest for as long as the report takes."""
    from deploy.stack import serve_at_rest

    return stack.enter_context(serve_at_rest(data_dir))
