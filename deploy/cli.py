"""The command line ``retention``: its commands, and how it ends.

Exit status: 0 done · 1 failed, with one line on standard error · 2 wrong usage or a wrong setting · 130 stopped by
Ctrl-C · 143 stopped by SIGTERM. RETENTION_DEBUG=1 shows the traceback behind an error.
"""

import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from types import FrameType
from typing import Final, NoReturn

import click

from deploy.commands.base import ExampleCommand
from deploy.settings import SettingsError
from schemas.errors import PipelineError

__all__ = ["cli", "main", "run"]

FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 128 + signal.SIGINT
TERMINATED: Final = 128 + signal.SIGTERM

#: In the order in which a newcomer meets them.
COMMANDS: Final = ("demo", "run", "query", "report", "doctor", "migrate", "worker", "replay", "traffic", "capacity")


class CommandGroup(click.Group):
    """Loads a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in reading order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or ``None``."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"deploy.commands.{cmd_name}").command
        if not isinstance(command, ExampleCommand):
            raise TypeError(f"deploy.commands.{cmd_name}.command is no ExampleCommand")
        return command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One example of every command."""
        with formatter.section("Examples"):
            for name in COMMANDS:
                command = self.get_command(ctx, name)
                if isinstance(command, ExampleCommand):
                    formatter.write(f"{'':>{formatter.current_indent}}{command.examples[0]}\n")
        with formatter.section("More"):
            formatter.write_text("Every command has --help with its options and further examples.")
            formatter.write_text(
                "Settings come from variables RETENTION_…; 'retention doctor' checks them and every service."
            )


def _version() -> str:
    try:
        return metadata.version("retention")
    except metadata.PackageNotFoundError:
        return "not installed"


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="retention")
def cli() -> None:
    """Exact retention tables for mini-programs: events on Kafka in, tables in ClickHouse out."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an error is one line on standard error."""
    debug = os.environ.get("RETENTION_DEBUG", "") not in {"", "0"}
    if not debug:
        # Client libraries log each failed attempt; the commands say once what is wrong.
        for library in ("kafka", "aiokafka", "urllib3", "clickhouse_connect"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        status = cli.main(args=arguments, prog_name="retention", standalone_mode=False)
    except Exception as error:
        if debug and not isinstance(error, click.exceptions.ClickException | click.Abort):
            raise
        return _explain(error)
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "stopped")
    return status if isinstance(status, int) else 0


def _explain(error: Exception) -> int:
    """Say in one line what went wrong; returns the exit status."""
    match error:
        case click.UsageError():
            path = error.ctx.command_path if error.ctx else "retention"
            return _fail(USAGE, f"{error.format_message().rstrip('.')}. Try '{path} --help'.", path)
        case click.ClickException():
            return _fail(error.exit_code, error.format_message())
        case click.Abort():
            return _fail(INTERRUPTED, "stopped")
        case SettingsError():
            return _fail(USAGE, str(error))
        case PipelineError():
            return _fail(FAILED, str(error))
    where = "RETENTION_DEBUG=1 shows where it came from"
    return _fail(FAILED, f"unexpected {type(error).__name__}: {error}. {where}.")


def _fail(status: int, message: str, path: str = "retention") -> int:
    click.echo(f"{path}: {' '.join(message.split())}", err=True)
    return status


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    # As an exception, so that every service that was started is stopped on the way out.
    raise SystemExit(TERMINATED)


def main() -> NoReturn:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run())


if __name__ == "__main__":
    main()
