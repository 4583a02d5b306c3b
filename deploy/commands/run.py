"""``retention run``: files in, tables out, with nothing else needed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.commands.base import ExampleCommand, passed, status_console
from deploy.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from deploy.progress import Totals
    from deploy.settings import Settings

__all__ = ["command", "fold_all"]


@click.command(
    "run",
    cls=ExampleCommand,
    short_help="Fold files into tables here, then exit.",
    examples=(
        "retention run events.ndjson.gz --data-dir ./data",
        "cat *.ndjson | retention run - --data-dir ./data --fresh",
        "RETENTION_APPS=@apps.json retention run a.ndjson b.ndjson --data-dir ./data",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Where the ClickHouse data stay; for query and report afterwards.",
)
@click.option("--fresh", is_flag=True, help="Wipe an earlier run in that directory first, and nothing else in it.")
def command(files: tuple[str, ...], data_dir: Path, fresh: bool) -> None:
    """Fold NDJSON files (plain or gzip, - for standard input) into the tables of DIR, in the order given.

    Starts an embedded broker and ClickHouse and a worker, publishes the files, waits until all is folded, and stops
    them. Late, future and broken events are counted, and kept in the view dead_letters.
    """
    import asyncio

    from deploy.commands.progress_bar import byte_progress
    from deploy.lines import Lines
    from deploy.replaying import publish_lines
    from deploy.rundir import RunDir
    from deploy.stack import Ports, embedded_stack

    settings = load_settings()
    console = status_console()
    directory = RunDir(data_dir)
    with Lines(files) as lines:
        directory.create(fresh=fresh)
        with embedded_stack(settings, directory, Ports()) as stack:
            with byte_progress(console) as bar:
                task = bar.add_task("publishing", total=lines.total_bytes)
                publisher = asyncio.run(
                    publish_lines(stack.settings, lines, None, lambda read: bar.advance(task, read))
                )
            passed(console, f"published {publisher.published:,} messages")
            totals = fold_all(stack.settings, console, stack.check)
    _print_summary(totals, data_dir)


def fold_all(settings: "Settings", console: "Console", check: Callable[[], None]) -> "Totals":
    """Wait, with a bar, until everything published is folded; returns what became of it."""
    from deploy.commands.progress_bar import message_progress
    from deploy.folding import wait_until_folded
    from deploy.progress import totals

    with message_progress(console) as bar:
        task = bar.add_task("folding", total=None)
        progress = wait_until_folded(
            settings, check, lambda done, total: bar.update(task, completed=done, total=total, refresh=True)
        )
    return totals(progress)


def _print_summary(totals: "Totals", data_dir: Path) -> None:
    dead = ", ".join(f"{reason} {count:,}" for reason, count in totals.dead.items())
    click.echo(f"events      {totals.events:>12,}")
    click.echo(f"accepted    {totals.accepted:>12,}")
    click.echo(f"duplicates  {totals.duplicate:>12,}")
    click.echo(f"dead        {sum(totals.dead.values()):>12,}  ({dead})")
    click.echo(f"\nretention report --data-dir {data_dir}")
