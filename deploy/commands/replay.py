"""``retention replay``: publish NDJSON files to ``mp.events``."""

from typing import TYPE_CHECKING

import click
from rich.console import Console

from deploy.commands.base import ExampleCommand, passed, status_console
from deploy.settings import Settings, load_settings

if TYPE_CHECKING:
    from deploy.lines import Lines

__all__ = ["command"]


@click.command(
    "replay",
    cls=ExampleCommand,
    short_help="Publish NDJSON files to mp.events.",
    examples=(
        "retention replay events-2026-03-*.ndjson.gz",
        "zcat old.gz | retention replay -",
        "retention replay --rate 5000 events.ndjson",
        "retention replay --allow-late stragglers.ndjson",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--allow-late", is_flag=True, help="Publish also what the pipeline will refuse as late or future.")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Messages a second at most.  [default: no limit]"
)
def command(files: tuple[str, ...], allow_late: bool, rate: float | None) -> None:
    """Publish NDJSON files (plain or gzip, - for standard input) to mp.events, one message a line, key = user_id.

    First every line is judged as the pipeline would judge it by time. If any would be refused as late or future,
    nothing is published and the exit status is 1. Lines that break the event contract are published: the pipeline
    keeps them in mp.events.dead with the reason. Repeats do no harm: events are recognised by event_id.
    """
    import asyncio

    from deploy.commands.progress_bar import byte_progress
    from deploy.lines import Lines
    from deploy.replaying import publish_lines

    settings = load_settings()
    console = status_console()
    with Lines(files) as lines:
        if not allow_late:
            _refuse_late(settings, console, lines)
        with byte_progress(console) as bar:
            task = bar.add_task("publishing", total=lines.total_bytes)
            publisher = asyncio.run(publish_lines(settings, lines, rate, lambda read: bar.advance(task, read)))
    passed(console, f"published {publisher.published} messages to mp.events")


def _refuse_late(settings: Settings, console: Console, lines: "Lines") -> None:
    import asyncio

    from deploy.cluster import partition_count
    from deploy.commands.progress_bar import byte_progress
    from deploy.lateness import TimeCheck, read_unfolded
    from deploy.progress import read_progress
    from deploy.replaying import check_times
    from schemas.errors import PipelineError
    from schemas.topics import EVENTS

    partitions = partition_count(settings, EVENTS.name)
    try:
        progress = read_progress(settings)
    except PipelineError as error:
        console.print(f"{error}. Until then the watermarks are read from the start of {EVENTS.name}.", markup=False)
        progress = {}
    watermarks = {
        partition: one.watermark
        for (topic, partition), one in progress.items()
        if topic == EVENTS.name and one.watermark is not None
    }
    check = TimeCheck(settings.apps, settings.max_event_bytes, watermarks)
    asyncio.run(read_unfolded(settings, progress, check))
    with byte_progress(console) as bar:
        task = bar.add_task("checking", total=lines.total_bytes)
        refusals = check_times(lines, check, partitions, lambda read: bar.advance(task, read))
    if refusals.counts:
        raise refusals.as_error(settings.epoch)
