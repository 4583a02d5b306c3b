"""How much machine a workload needs: the capacity model, as pure functions of a workload and of costs.

Rates are those of the peak, sizes those after the given history. ``docs/capacity.md`` explains the model.
"""

from dataclasses import dataclass
from math import ceil, expm1
from typing import Final

from deploy.capacity_cells import changed_cells, daily_cells, open_cells
from deploy.capacity_costs import Costs
from deploy.capacity_population import Behaviour, behaviour

__all__ = ["Plan", "Workload", "dirty_users", "plan"]

DAY_S: Final = 86_400
_MIB: Final = 1024 * 1024
#: Rows of the table ``progress`` that a partition adds to a flush: one for each input topic.
_PROGRESS_ROWS: Final = 2
#: Tables to which a flush of ordinary events inserts: cells, users, progress.
_INSERTS: Final = 3


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be counted, and with how many partitions. All apps are of one size; ``daily_users`` is their sum."""

    daily_users: float
    partitions: int
    apps: int = 1
    events_per_user: float = 20.0
    sessions_per_user: float = 2.0
    #: Seconds between two events of a session.
    session_step_s: float = 20.0
    #: Share of the users of a day who are new on it, and of new users, who come back on the day after.
    new_share: float = 0.05
    day1_retention: float = 0.3
    #: Days for which the apps have run: users who ever came are kept.
    history_days: int = 365
    lateness_days: int = 3
    make_up_days: int = 3
    #: Number of values of each segment.
    segment_values: tuple[int, ...] = (10, 4)
    #: Events a second in the busiest hour, relative to the average.
    peak: float = 3.0
    flush_interval_s: float = 0.5
    event_bytes: float = 300.0
    replication: int = 3
    #: Share of a core that a worker may use at the peak: the rest is for catching up.
    core_share: float = 0.5
    worker_memory_gib: float = 4.0
    #: ``None``: as many as are needed.
    workers: int | None = None
    session_timeout_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the workload needs. Rates are per second at the peak; memory and disk in bytes."""

    decay: float
    known_users: float
    events_per_s: float
    #: Per second: users becoming active for the day, users whose state is written, cells written, all rows, inserts.
    activations_per_s: float
    states_per_s: float
    cells_per_s: float
    rows_per_s: float
    inserts_per_s: float
    cells_per_flush: float
    cores: float
    cpu_s_per_million: float
    workers_by_cpu: int
    workers_by_memory: int
    workers: int
    #: Per worker, and for the users and open cells alone.
    worker_bytes: float
    open_cells: float
    daily_cells: float
    cells_disk_per_app_day: float
    users_disk: float
    changelog_bytes_per_s: float
    changelog_bytes: float
    events_bytes_per_s: float
    clickhouse_bytes_per_s: float
    recovery_s: float
    #: From the loss of a worker until its users are folded again.
    takeover_s: float

    @property
    def partitions_needed(self) -> int:
        """The fewest partitions that so many workers can share."""
        return max(self.workers_by_cpu, self.workers_by_memory)


def dirty_users(work: Workload) -> float:
    """Users whose state changes, per user-day and second of the day: how often a session meets a flush.

    A session of *e* events, *s* seconds apart, meets *e* flushes when these are not further apart than *s*; else it
    meets 1 + (*e* - 1) × *s* / interval of them on average.
    """
    events = work.events_per_user / work.sessions_per_user
    met = 1 + (events - 1) * min(1.0, work.session_step_s / work.flush_interval_s)
    return work.sessions_per_user * met


def plan(work: Workload, costs: Costs) -> Plan:
    """What ``work`` needs at ``costs``.

    Raises:
        ValueError: the share of new users, the retention and the history do not go together, a worker's memory has no
            room for users, or the flushes alone take more than a worker may use.
    """
    model = behaviour(work.new_share, work.day1_retention, work.history_days)
    open_days = work.lateness_days + work.make_up_days
    folds = work.apps * work.partitions
    per_second = work.daily_users / DAY_S * work.peak
    events, activations, states = (
        per_second * work.events_per_user,
        per_second,
        per_second * dirty_users(work),
    )
    flushes = 1 / work.flush_interval_s
    cells = changed_cells(model, activations / folds / flushes, work.segment_values)
    cells_per_s = sum(cells.values()) * folds * flushes
    # A partition without a message does not flush.
    partition_flushes = -expm1(-events / work.partitions / flushes) * work.partitions * flushes
    rows = cells_per_s + activations + _PROGRESS_ROWS * partition_flushes

    shared_cpu = (
        events * costs.event_us
        + states * costs.state_us
        + rows * costs.row_us
        + partition_flushes * costs.partition_flush_ms * 1000
    ) / 1e6
    own_cpu = flushes * costs.flush_ms / 1000
    if own_cpu >= work.core_share:
        raise ValueError(
            f"flushes every {work.flush_interval_s:g} s take {own_cpu:.2f} of a core, and a worker may use "
            f"{work.core_share:g}: flush less often"
        )
    known = work.daily_users * work.new_share * work.history_days
    open_ = sum(open_cells(model, work.daily_users / folds, work.segment_values, open_days).values()) * folds
    state = (
        known * costs.user_bytes
        + work.daily_users * work.events_per_user * (open_days + 1) * costs.event_id_bytes
        + open_ * costs.cell_bytes
    )
    room = work.worker_memory_gib * 1024 * _MIB - costs.worker_mib * _MIB
    if room <= 0:
        raise ValueError(
            f"a worker takes {costs.worker_mib:g} MiB without any user at rest, and may use "
            f"{work.worker_memory_gib:g} GiB: give it more memory"
        )
    by_cpu, by_memory = ceil(shared_cpu / (work.core_share - own_cpu)), ceil(state / room)
    workers = work.workers or min(work.partitions, max(by_cpu, by_memory))
    cores = shared_cpu + workers * own_cpu
    daily = sum(daily_cells(model, work.daily_users / folds, work.segment_values).values()) * work.partitions
    recovery = known / workers * costs.recovery_us / 1e6
    return Plan(
        decay=model.decay,
        known_users=known,
        events_per_s=events,
        activations_per_s=activations,
        states_per_s=states,
        cells_per_s=cells_per_s,
        rows_per_s=rows,
        inserts_per_s=workers * _INSERTS * flushes,
        cells_per_flush=sum(cells.values()) * folds,
        cores=cores,
        cpu_s_per_million=cores / events * 1e6,
        workers_by_cpu=by_cpu,
        workers_by_memory=by_memory,
        workers=workers,
        worker_bytes=costs.worker_mib * _MIB + state / workers,
        open_cells=open_,
        daily_cells=daily,
        cells_disk_per_app_day=daily * costs.cell_disk_bytes,
        users_disk=known * costs.user_disk_bytes,
        changelog_bytes_per_s=states * (costs.record_bytes + _ids(model, work, open_days) * costs.event_id_bytes),
        changelog_bytes=known * (costs.record_bytes + work.events_per_user * costs.event_id_bytes),
        events_bytes_per_s=events * work.event_bytes,
        clickhouse_bytes_per_s=rows * costs.row_bytes,
        recovery_s=recovery,
        takeover_s=work.session_timeout_s + recovery,
    )


def _ids(model: Behaviour, work: Workload, open_days: int) -> float:
    """Event ids in a record when it is written: half a day's on average, and those of the open days before."""
    return work.events_per_user * (0.5 + sum(model.was_active(days) for days in range(1, open_days + 1)))
