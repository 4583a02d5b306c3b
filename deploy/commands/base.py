"""What the commands share: examples in the help, and status lines on standard error.

Standard output is kept for results, so that it can be piped; progress and status go to standard error.
"""

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console

__all__ = ["ExampleCommand", "failed", "passed", "status_console"]


class ExampleCommand(click.Command):
    """A command whose help ends with examples that can be copied."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        """Take what ``click.Command`` takes, and the examples, the most telling first."""
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, one a line, unwrapped."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def status_console() -> Console:
    """The console for progress and status, on standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def passed(console: Console, text: str) -> None:
    """Say that a step went well."""
    console.print(f"[green]✓[/green] {_escape(text)}")


def failed(console: Console, text: str) -> None:
    """Say that a step failed, and what to do."""
    console.print(f"[red]✗[/red] {_escape(text)}")


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
