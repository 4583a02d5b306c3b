"""``retention doctor``: check every dependency and say what to fix."""

import os
from pathlib import Path

import click

from deploy.commands.base import ExampleCommand, failed, passed
from deploy.settings import SettingsError, load_settings

__all__ = ["command"]


@click.command(
    "doctor",
    cls=ExampleCommand,
    short_help="Check every dependency, say what to fix.",
    examples=("retention doctor", "retention doctor --data-dir ./data"),
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Check also the disk of an embedded run's directory.",
)
def command(data_dir: Path | None) -> int:
    """Check Python, settings, Kafka, its topics, ClickHouse, its migrations, and whether a worker keeps up.

    One line a check: ✓ well, ✗ not, with what to do, · nothing to judge. The exit status is 1 when any check fails.
    """
    from rich.console import Console

    from deploy.checks import check_all, check_data_dir, check_machine, check_variables

    console = Console(highlight=False, soft_wrap=True)
    healthy = True
    findings = [*check_machine(), *check_variables(os.environ)]
    try:
        settings = load_settings()
    except SettingsError as error:
        failed(console, str(error))
        settings, healthy = None, False
    else:
        passed(console, "settings")
    if data_dir is not None:
        findings += check_data_dir(data_dir)
    for finding in (*findings, *(check_all(settings) if settings else ())):
        if finding.ok is None:
            console.print(f"· {finding.text}", markup=False)
            continue
        (passed if finding.ok else failed)(console, finding.text)
        healthy = healthy and finding.ok
    return 0 if healthy else 1
