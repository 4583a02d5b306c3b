"""``retention traffic``: generated events for the configured Kafka."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from deploy.commands.base import ExampleCommand, passed, status_console
from deploy.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from deploy.settings import Settings
    from deploy.traffic import History

__all__ = ["command", "publish_past", "traffic_options"]


def traffic_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that shape generated traffic."""
    for option in reversed(
        (
            click.option("--days", type=click.IntRange(1, 366), default=60, show_default=True, help="Days of history."),
            click.option(
                "--users", type=click.IntRange(min=1), default=20_000, show_default=True, help="Users in that time."
            ),
            click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same life."),
            click.option(
                "--rate",
                type=click.FloatRange(min=0, min_open=True),
                default=20.0,
                show_default=True,
                help="Live events a second.",
            ),
        )
    ):
        function = option(function)
    return function


@click.command(
    "traffic",
    cls=ExampleCommand,
    short_help="Publish generated events to mp.events.",
    examples=(
        "retention traffic --rate 100",
        "retention traffic --no-live --days 90 --users 50000",
        "retention traffic --no-history",
    ),
)
@traffic_options
@click.option("--history/--no-history", default=None, help="Publish the history.  [default: when mp.events is empty]")
@click.option("--live/--no-live", default=True, help="Go on with live events until Ctrl-C.  [default: live]")
def command(*, days: int, users: int, seed: int, rate: float, history: bool | None, live: bool) -> None:
    """Publish the generated life of a mini-program to mp.events: a history, then live events.

    Among the events are repeats, disorder, some late ones and some that break the contract, as in real life.
    """
    import asyncio

    from deploy import traffic
    from deploy.cluster import end_offsets
    from deploy.generated import app_of, publish_live
    from deploy.publisher import now_ms
    from schemas.topics import EVENTS

    settings = load_settings()
    console = status_console()
    past = traffic.History(seed, days, users, end_ms=now_ms(), app_id=app_of(settings))
    if history is None:
        history = not any(end_offsets(settings, [EVENTS.name]).values())
        if not history:
            console.print(f"{EVENTS.name} has events already: no history is published (--history does it anyway).")
    if history:
        publish_past(settings, console, past)
    if live:
        console.print(f"Publishing {rate:g} live events a second; Ctrl-C stops.")
        asyncio.run(publish_live(settings, traffic.live(seed, rate, past.end_ms, past.population), lambda: None))


def publish_past(
    settings: "Settings", console: "Console", past: "History", check: Callable[[], None] | None = None
) -> None:
    """Publish a history with a bar over its time; ``check`` is called now and then and may raise."""
    import asyncio

    from deploy.commands.progress_bar import message_progress
    from deploy.generated import publish_history

    with message_progress(console) as bar:
        task = bar.add_task("publishing history", total=None)

        def report(count: int) -> None:
            bar.advance(task, count)
            if check is not None:
                check()

        publisher = asyncio.run(publish_history(settings, past, report))
    passed(console, f"published {publisher.published:,} messages of history")
