"""Progress bars of long work: bytes of files, or messages. Silent when standard error is no terminal."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

__all__ = ["byte_progress", "message_progress"]


def byte_progress(console: Console) -> Progress:
    """A bar over bytes of files."""
    return _progress(console, DownloadColumn(), TransferSpeedColumn())


def message_progress(console: Console) -> Progress:
    """A bar over messages."""
    return _progress(console, MofNCompleteColumn())


def _progress(console: Console, *columns: ProgressColumn) -> Progress:
    text = TextColumn("{task.description}")
    return Progress(
        text,
        BarColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
