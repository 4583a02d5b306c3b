"""``retention query``: SQL against the configured ClickHouse, or the data that an embedded run left."""

import sys
from pathlib import Path

import click

from deploy.commands.base import ExampleCommand
from deploy.settings import load_settings

__all__ = ["command"]


@click.command(
    "query",
    cls=ExampleCommand,
    short_help="Run SQL on the tables and views.",
    examples=(
        "retention query 'SELECT * FROM active_users ORDER BY date'",
        "retention query 'SELECT * FROM user_activity' --data-dir ./data --format JSONEachRow",
        "retention query - < report.sql > report.tsv",
    ),
)
@click.argument("sql")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Read what 'retention run' or 'retention demo' left in this directory, instead of a server.",
)
@click.option(
    "--format",
    "output_format",
    help="Any ClickHouse output format.  [default: PrettyCompact on a terminal, else TabSeparatedWithNames]",
)
def command(sql: str, data_dir: Path | None, output_format: str | None) -> None:
    """Run SQL in the database of the tables and views, and print the answer. With - it comes from standard input."""
    from deploy.clickhouse import ask

    settings = load_settings()
    text = sys.stdin.read() if sql == "-" else sql
    if not text.strip():
        raise click.UsageError("SQL is empty", click.get_current_context())
    shown = output_format or ("PrettyCompact" if sys.stdout.isatty() else "TabSeparatedWithNames")
    out = sys.stdout.buffer
    if data_dir is None:
        with ask(settings, text, shown) as pieces:
            for piece in pieces:
                out.write(piece)
    else:
        from deploy.embedded.at_rest import query_at_rest
        from deploy.rundir import RunDir

        directory = RunDir(data_dir)
        directory.require()
        out.write(query_at_rest(directory.clickhouse, text, shown, settings.clickhouse_database))
    out.flush()
