"""``retention capacity``: how much machine a workload needs."""

import click

from deploy.commands.base import ExampleCommand

__all__ = ["command"]

_ABOVE_0 = click.FloatRange(min=0, min_open=True)
_SHARE = click.FloatRange(min=0, min_open=True, max=1)
_FROM_1 = click.IntRange(min=1)


def _segment_values(_context: click.Context, _option: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        values = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of numbers such as 10,4") from error
    if any(value < 1 for value in values):
        raise click.BadParameter(f"{text!r}: a segment has at least one value")
    return values


@click.command(
    "capacity",
    cls=ExampleCommand,
    short_help="Estimate the machines that a workload needs.",
    examples=(
        "retention capacity --daily-users 100000000 --partitions 64 --flush-interval 5",
        "retention capacity --daily-users 2000000 --apps 20 --segment-values 30,5,8",
        "retention capacity --daily-users 500000 --events-per-user 100 --history-days 1000 --workers 2",
    ),
)
@click.option("--daily-users", type=_ABOVE_0, required=True, help="Users of a day, of all apps together.")
@click.option("--partitions", type=click.IntRange(1, 1024), default=64, show_default=True, help="Of the input topics.")
@click.option("--workers", type=_FROM_1, help="Workers.  [default: as many as needed]")
@click.option("--apps", type=_FROM_1, default=1, show_default=True, help="Apps, all of one size.")
@click.option("--events-per-user", type=_ABOVE_0, default=20, show_default=True, help="Events of a user and day.")
@click.option("--sessions-per-user", type=_ABOVE_0, default=2, show_default=True, help="Visits they come in.")
@click.option("--session-step", type=_ABOVE_0, default=20, show_default=True, help="Seconds between events of a visit.")
@click.option("--new-share", type=_SHARE, default=0.05, show_default=True, help="Of a day's users, those who are new.")
@click.option("--day1-retention", type=_SHARE, default=0.3, show_default=True, help="Of new users, back the day after.")
@click.option("--history-days", type=click.IntRange(2, 3650), default=365, show_default=True, help="Age of the apps.")
@click.option("--lateness-days", type=click.IntRange(0, 30), default=3, show_default=True, help="Allowed lateness.")
@click.option("--make-up-days", type=click.IntRange(0, 30), default=3, show_default=True, help="Make-up limit.")
@click.option(
    "--segment-values",
    default="10,4",
    show_default=True,
    callback=_segment_values,
    help="Number of values of each segment, separated by commas.",
)
@click.option("--peak", type=click.FloatRange(min=1), default=3, show_default=True, help="Peak hour over average.")
@click.option("--flush-interval", type=_ABOVE_0, default=0.5, show_default=True, help="Seconds between flushes.")
@click.option("--event-bytes", type=_ABOVE_0, default=300, show_default=True, help="Size of a message.")
@click.option("--replication", type=_FROM_1, default=3, show_default=True, help="Replicas in Kafka.")
@click.option("--core-share", type=_SHARE, default=0.5, show_default=True, help="Of a core, used at the peak.")
@click.option(
    "--worker-memory", type=click.FloatRange(min=0.25), default=4, show_default=True, help="GiB that a worker may use."
)
@click.option("--cpu-per-million", type=_ABOVE_0, help="CPU seconds per million events, as `make bench` says.")
@click.option("--bytes-per-user", type=_ABOVE_0, help="Memory of a user at rest.")
def command(
    *,
    daily_users: float,
    partitions: int,
    workers: int | None,
    apps: int,
    events_per_user: float,
    sessions_per_user: float,
    session_step: float,
    new_share: float,
    day1_retention: float,
    history_days: int,
    lateness_days: int,
    make_up_days: int,
    segment_values: tuple[int, ...],
    peak: float,
    flush_interval: float,
    event_bytes: float,
    replication: int,
    core_share: float,
    worker_memory: float,
    cpu_per_million: float | None,
    bytes_per_user: float | None,
) -> None:
    """Estimate CPU, memory, partitions, rows and disk for a workload, with the assumptions it rests on.

    The model and its limits are in docs/capacity.md. Nothing is contacted; no setting is read.
    """
    from dataclasses import replace

    from deploy.capacity import Workload, plan
    from deploy.capacity_costs import Costs
    from deploy.capacity_table import table

    if workers is not None and workers > partitions:
        raise click.UsageError(f"--workers {workers} is more than --partitions {partitions}: the others would idle")
    if sessions_per_user > events_per_user:
        raise click.UsageError(
            f"--sessions-per-user {sessions_per_user:g} is more than --events-per-user {events_per_user:g}"
        )
    work = Workload(
        daily_users=daily_users,
        partitions=partitions,
        apps=apps,
        events_per_user=events_per_user,
        sessions_per_user=sessions_per_user,
        session_step_s=session_step,
        new_share=new_share,
        day1_retention=day1_retention,
        history_days=history_days,
        lateness_days=lateness_days,
        make_up_days=make_up_days,
        segment_values=segment_values,
        peak=peak,
        flush_interval_s=flush_interval,
        event_bytes=event_bytes,
        replication=replication,
        core_share=core_share,
        worker_memory_gib=worker_memory,
        workers=workers,
    )
    costs = Costs()
    if cpu_per_million is not None:
        costs = replace(costs, event_us=cpu_per_million)
    if bytes_per_user is not None:
        costs = replace(costs, user_bytes=bytes_per_user)
    try:
        found = plan(work, costs)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(table(work, costs, found))
