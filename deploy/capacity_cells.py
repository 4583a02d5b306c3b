"""How many cells there are, and how many of them a flush changes: the count formulas of the capacity model.

All are of one app in one partition, and of the same form. A cell that each of *k* users touches with chance *p* is
touched by any of them with chance 1 - e^(-k p); the sum over the cells is the expected number of them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from deploy.capacity_population import Behaviour
from streams.core.cells import ACTIVE_HORIZON_DAYS, ACTIVE_HORIZON_WEEKS, HORIZON_DAYS, HORIZON_MONTHS, HORIZON_WEEKS

__all__ = ["Cells", "changed_cells", "daily_cells", "open_cells"]

Cells = dict[str, float]

_WEEK: Final = 7
_MONTH: Final = 30.4
_WAU, _MAU = 7, 30
_HISTOGRAMS: Final = {"histogram_7": 7, "histogram_28": 28}
_LONGEST_RUN: Final = 400


def _touched(users: float, chances: NDArray[np.float64] | list[float]) -> float:
    """How many of the cells with these ``chances`` are touched by ``users`` users."""
    return float(-np.expm1(-users * np.asarray(chances)).sum())


def _weekly_offsets(model: Behaviour) -> NDArray[np.float64]:
    """Share of the users of a day who are in their week k since the first, by k."""
    shares = np.zeros(HORIZON_WEEKS + 1)
    for age, share in enumerate(model.by_age):
        for weekday in range(_WEEK):
            k = max(0, -((weekday - age) // _WEEK))
            if k <= HORIZON_WEEKS:
                shares[k] += share / _WEEK
    return shares


def _monthly_offsets(model: Behaviour) -> NDArray[np.float64]:
    """Share of the users of a day who are in their month k since the first, by k."""
    shares = np.zeros(HORIZON_MONTHS + 1)
    days = np.arange(_MONTH)
    for age, share in enumerate(model.by_age):
        months = np.maximum(0, np.ceil((age - days) / _MONTH)).astype(int)
        for k in months[months <= HORIZON_MONTHS]:
            shares[k] += share / len(days)
    return shares


def _runs(model: Behaviour) -> NDArray[np.float64]:
    shares = []
    for length in range(1, min(model.ages, _LONGEST_RUN) + 1):
        shares.append(model.run_of(length))
        if shares[-1] < 1e-12:  # noqa: PLR2004 - less than one user in any app
            break
    return np.array(shares)


def _ages(model: Behaviour) -> NDArray[np.float64]:
    return model.by_age[: HORIZON_DAYS + 1]


def _active_offsets(model: Behaviour) -> NDArray[np.float64]:
    return np.array([1.0, *(model.was_active(days) for days in range(1, ACTIVE_HORIZON_DAYS + 1))])


def _histogram_changes(model: Behaviour, width: int) -> list[float]:
    """By window and count, the chance that a new active day moves a user into the count or out of it."""
    chances = []
    for later in range(width):
        before = model.counts(width - 1 - later, of_a_day=True)
        for count in range(1, len(before) + 1):
            chances.append(before[count - 1] + (before[count] if count < len(before) else 0.0))
    return chances


def changed_cells(model: Behaviour, activations: float, segment_values: tuple[int, ...]) -> Cells:
    """Cells that a flush writes in which ``activations`` users became active for the first time today.

    ``segment_values`` holds the number of values of each segment, all equally frequent.
    """
    first_of_week = float(np.mean([model.gap_over(weekday) for weekday in range(_WEEK)]))
    first_of_month = float(np.mean([model.gap_over(day) for day in range(30)]))
    ages = _ages(model)
    weeks_back = [
        model.was_active_within(_WEEK * k, _WEEK * k + _WEEK - 1) * first_of_week
        for k in range(1, ACTIVE_HORIZON_WEEKS + 1)
    ]
    months_back = [
        model.was_active_within(30 * k, 30 * k + 29) * first_of_month
        for k in range(1, HORIZON_MONTHS + 1)
        if 30 * k < model.ages
    ]
    chances: dict[str, NDArray[np.float64] | list[float]] = {
        "new_daily": ages,
        "active_daily": _active_offsets(model),
        "new_weekly": _weekly_offsets(model) * first_of_week,
        "active_weekly": [first_of_week, *weeks_back],
        "new_monthly": _monthly_offsets(model) * first_of_month,
        "active_monthly": [first_of_month, *months_back],
        "unbounded": model.gaps_by_age(),
        "wau": [model.gap_over(_WAU - 1 - later) for later in range(_WAU)],
        "mau": [model.gap_over(_MAU - 1 - later) for later in range(_MAU)],
        **{name: _histogram_changes(model, width) for name, width in _HISTOGRAMS.items()},
        "streak_activity": _runs(model),
    }
    cells = {family: _touched(activations, by_cell) for family, by_cell in chances.items()}
    cells["new_daily_segment"] = sum(values * _touched(activations, ages / values) for values in segment_values)
    return cells


def _occupied(model: Behaviour, daily_users: float, segment_values: tuple[int, ...]) -> Cells:
    """Cells of one later day (week, month; for ``unbounded`` all cohorts) that have ever counted a user."""
    ages = _ages(model)
    new_users = daily_users * float(model.by_age[0])
    cells = {
        "new_daily": _touched(daily_users, ages),
        "new_daily_segment": sum(values * _touched(daily_users, ages / values) for values in segment_values),
        "active_daily": _touched(daily_users, _active_offsets(model)),
        "weekly": _offsets(model, _WEEK, HORIZON_WEEKS, ACTIVE_HORIZON_WEEKS),
        "monthly": _offsets(model, _MONTH, HORIZON_MONTHS, HORIZON_MONTHS),
        "unbounded": _touched(new_users, model.reached()),
        "streak_activity": _touched(daily_users, _runs(model)),
    }
    for name, width in _HISTOGRAMS.items():
        cells[name] = _reached_counts(model, daily_users, width)
    return cells


def _offsets(model: Behaviour, days: float, *horizons: int, back: float = 0.0) -> float:
    """Weekly or monthly cells of one period of ``days``, ``back`` days ago: an offset for each period before it."""
    periods = max(0.0, (model.ages - 1 - back) / days)
    return sum(1 + min(horizon, periods) for horizon in horizons)


def _reached_counts(model: Behaviour, daily_users: float, days: int) -> float:
    """How many counts of active days within ``days`` days some user has reached."""
    counts = model.counts(days, of_a_day=False)
    return _touched(daily_users, np.cumsum(counts[::-1])[::-1][1:])


def open_cells(model: Behaviour, daily_users: float, segment_values: tuple[int, ...], open_days: int) -> Cells:
    """Cells in memory at the end of a day, when events may still change the ``open_days`` days before it.

    Of the streaks only those of activity are counted.
    """
    occupied = _occupied(model, daily_users, segment_values)
    days = open_days + 1
    # A young app has fewer cohorts on the days before.
    cohorts = [model.by_age[: min(HORIZON_DAYS + 1, model.ages - earlier)] for earlier in range(days)]
    cells = {
        "new_daily": sum(_touched(daily_users, ages) for ages in cohorts),
        "new_daily_segment": sum(
            values * _touched(daily_users, ages / values) for values in segment_values for ages in cohorts
        ),
        "active_daily": occupied["active_daily"] * days,
    }
    for family, days_of, *horizons in (
        ("weekly", _WEEK, HORIZON_WEEKS, ACTIVE_HORIZON_WEEKS),
        ("monthly", _MONTH, HORIZON_MONTHS, HORIZON_MONTHS),
    ):
        # The days before may lie in the period before, which has a cohort fewer in a young app.
        cells[family] = occupied[family] + open_days / days_of * _offsets(model, days_of, *horizons, back=days_of)
    cells["unbounded"] = occupied["unbounded"]
    cells["wau"], cells["mau"] = float(days + _WAU - 1), float(days + _MAU - 1)
    for name, width in _HISTOGRAMS.items():
        ahead = sum(_reached_counts(model, daily_users, width - later) for later in range(1, width))
        cells[name] = occupied[name] * days + ahead
    cells["streak_activity"] = occupied["streak_activity"] * days
    return cells


def daily_cells(model: Behaviour, daily_users: float, segment_values: tuple[int, ...]) -> Cells:
    """Cells that a day adds for good, once it has closed."""
    occupied = _occupied(model, daily_users, segment_values)
    cells = {name: count for name, count in occupied.items() if name not in {"weekly", "monthly", "unbounded"}}
    cells["weekly"], cells["monthly"] = occupied["weekly"] / _WEEK, occupied["monthly"] / _MONTH
    # In the long run a day adds one cohort, of every offset that someone reached by its end.
    new_users = daily_users * float(model.by_age[0])
    cells["unbounded"] = _touched(new_users, model.reached()[-1])
    cells["wau"] = cells["mau"] = 1.0
    return cells
