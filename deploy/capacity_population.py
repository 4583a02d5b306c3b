"""How often users come, as chances: from this the cells that they touch are computed.

The model: every day the same number of new users arrives. A user of pull *g* is active *a* days after the first day
with chance ``min(0.9, day-1 retention × g × a^-decay)``, independently of other days; *g* is spread over users with
mean 1 (a few regulars make up most of the later days). The decay is the one at which the given share of the daily users
is new.
All functions give probabilities; none depends on the number of users.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["PULLS", "Behaviour", "behaviour"]

Floats = NDArray[np.float64]

#: Means of eight equal slices of a gamma distribution with shape 1.2 and mean 1.
PULLS: Final = (0.093, 0.257, 0.430, 0.628, 0.869, 1.185, 1.659, 2.879)
_MOST: Final = 0.9
_HORIZON: Final = 365
_STEEPEST_DECAY: Final = 4.0


def _chances(day1_retention: float, decay: float, history_days: int) -> Floats:
    """Chance to be active, by pull and age 0 … ``history_days`` - 1."""
    ages = np.arange(1, history_days)
    later = np.minimum(_MOST, day1_retention * np.outer(PULLS, ages**-decay))
    return np.hstack([np.ones((len(PULLS), 1)), later])


def behaviour(new_share: float, day1_retention: float, history_days: int) -> "Behaviour":
    """The behaviour at which ``new_share`` of the users of a day are new, in an app that is ``history_days`` old.

    Raises:
        ValueError: no decay between 0 and 4 gives that share.
    """
    wanted = 1 / new_share

    def days_per_user(decay: float) -> float:
        return float(_chances(day1_retention, decay, history_days).mean(axis=0).sum())

    low, high = 0.0, _STEEPEST_DECAY
    least, most = days_per_user(high), days_per_user(low)
    if not least <= wanted <= most:
        raise ValueError(
            f"with a day-1 retention of {day1_retention:g} and {history_days} days of history, the share of new users "
            f"lies between {1 / most:.3g} and {1 / least:.3g}, it cannot be {new_share:g}"
        )
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if days_per_user(middle) > wanted else (low, middle)
    return Behaviour(_chances(day1_retention, low, history_days), low)


@dataclass(frozen=True)
class Behaviour:
    """Chances by pull (rows) and age in days (columns), and the decay that they follow."""

    chances: Floats
    decay: float

    @property
    def ages(self) -> int:
        """Number of ages, 0 included: days of history."""
        return int(self.chances.shape[1])

    @cached_property
    def weights(self) -> Floats:
        """Share of each pull and age in the users of one day."""
        return np.asarray(self.chances / self.chances.sum())

    @cached_property
    def by_age(self) -> Floats:
        """Share of each age in the users of one day."""
        return np.asarray(self.weights.sum(axis=0))

    def shifted(self, days: int) -> Floats:
        """The chances to have been active ``days`` days earlier; 0 before the first day."""
        moved = np.zeros_like(self.chances)
        if days < self.ages:
            moved[:, days:] = self.chances[:, : self.ages - days]
        return moved

    def was_active(self, days: int) -> float:
        """Of the users of a day, the share who were active ``days`` days earlier."""
        return float((self.weights * self.shifted(days)).sum())

    def was_active_within(self, first: int, last: int) -> float:
        """Of the users of a day, the share who were active on some day ``first`` … ``last`` days earlier."""
        absent = np.ones_like(self.chances)
        for days in range(first, last + 1):
            absent *= 1 - self.shifted(days)
        return float((self.weights * (1 - absent)).sum())

    def gap_over(self, days: int) -> float:
        """Of the users of a day, the share who were not active in the ``days`` days before."""
        return 1 - self.was_active_within(1, days)

    def run_of(self, length: int) -> float:
        """Of the users of a day, the share whose run of active days has this ``length`` so far."""
        together = np.ones_like(self.chances)
        for days in range(1, length):
            together *= self.shifted(days)
        return float((self.weights * together * (1 - self.shifted(length))).sum())

    def gaps_by_age(self) -> Floats:
        """By age a and j: of the users of a day, the share of age a whose previous day was more than j days ago.

        A gap is at most a, since the first day ends it; that of new users is 1. Ages end with the horizon of a year.
        """
        ages = min(self.ages, _HORIZON + 1)
        table = np.zeros((ages, ages))
        absent = self.weights[:, :ages].copy()
        for days in range(ages):
            if days:
                absent *= 1 - self.shifted(days)[:, :ages]
            table[:, days] = absent.sum(axis=0)
        table[0, 1:] = 0
        return table

    def counts(self, days: int, *, of_a_day: bool) -> Floats:
        """How many of the last ``days`` days users were active on.

        ``of_a_day``: shares of the users of a day, counting the days before it. Otherwise of all users who ever came,
        the day itself counting as the last; as a multiple of the users of a day.
        """
        first = 1 if of_a_day else 0
        tally: Any = [np.ones_like(self.chances)]
        for earlier in range(first, first + days):
            chance = self.shifted(earlier)
            kept = [part * (1 - chance) for part in tally] + [np.zeros_like(chance)]
            for count, part in enumerate(tally):
                kept[count + 1] = kept[count + 1] + part * chance
            tally = kept
        scale = self.weights if of_a_day else np.full_like(self.chances, 1 / self.chances.sum())
        return np.array([float((scale * part).sum()) for part in tally])

    def reached(self) -> Floats:
        """By age a and n: chance that a user of age a (today included) has been active on day n or later."""
        ages = min(self.ages, _HORIZON + 1)
        table = np.zeros((ages, ages))
        for age in range(ages):
            absent = np.cumprod((1 - self.chances[:, age::-1] if age else 1 - self.chances[:, :1]), axis=1)
            table[age, : age + 1] = (1 - absent).mean(axis=0)[::-1]
        return table
