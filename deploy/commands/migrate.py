"""``retention migrate``: topics, tables and views of this version."""

import click

from deploy.commands.base import ExampleCommand, passed, status_console
from deploy.settings import PREFIX, load_settings

__all__ = ["command"]


@click.command(
    "migrate",
    cls=ExampleCommand,
    short_help="Create topics, tables and views.",
    examples=("retention migrate", "RETENTION_EPOCH=2 retention migrate --switch-epoch"),
)
@click.option("--switch-epoch", is_flag=True, help="Let the views show RETENTION_EPOCH, once it has folded everything.")
@click.option("--force", is_flag=True, help="With --switch-epoch: also when it has not.")
def command(switch_epoch: bool, force: bool) -> None:
    """Create the Kafka topics with the configuration they need, and the tables and views of ClickHouse.

    Safe to run again, and from several places at once. A topic that exists is checked, never changed.
    """
    from deploy.migrating import migrate_all, switch

    if force and not switch_epoch:
        raise click.UsageError("--force belongs to --switch-epoch", click.get_current_context())
    settings = load_settings()
    console = status_console()
    outcome = migrate_all(settings)
    passed(console, f"topics: {_new(outcome.created)}, {settings.partitions} partitions")
    passed(console, f"tables: {_new(outcome.applied)}; {outcome.views} views replaced")
    shown = outcome.epoch
    if switch_epoch:
        switch(settings, force=force)
        shown = settings.epoch
    hint = "" if shown == settings.epoch else f"; {PREFIX}EPOCH is {settings.epoch}: --switch-epoch changes over to it"
    passed(console, f"views show epoch {shown}{hint}")


def _new(names: tuple[str, ...]) -> str:
    return f"created {', '.join(names)}" if names else "all there"
