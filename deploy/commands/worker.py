"""``retention worker``: fold events into the tables until stopped."""

import click

from deploy.commands.base import ExampleCommand
from deploy.settings import load_settings, stream_settings

__all__ = ["command"]


@click.command(
    "worker",
    cls=ExampleCommand,
    short_help="Fold events into the tables until stopped.",
    examples=("retention worker", "RETENTION_EPOCH=2 retention worker", "RETENTION_WEB_PORT=6066 retention worker"),
)
def command() -> None:
    """Run a worker: reads mp.events, keeps every user's state, and writes the tables.

    Start as many as there are partitions at most; they share the work. Ctrl-C or SIGTERM stops after a last flush.
    A worker that cannot go on says why and exits non-zero, so that whatever supervises it starts it again.
    """
    import logging

    from deploy.connection import clickhouse_sink
    from deploy.migrating import require_topics
    from streams.app import create_app
    from streams.run import run_worker

    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for library in ("kafka", "aiokafka", "faust", "mode"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[settings.log_level]))
    require_topics(settings)
    run_worker(create_app(stream_settings(settings), clickhouse_sink(settings)))
