"""Fetches that Faust dropped around a rebalance, told by what has been fetched and does not arrive."""

from collections.abc import Mapping
from typing import NamedTuple

from faust.types import TP

__all__ = ["LostFetches"]


class _Missing(NamedTuple):
    """A topic partition of which more has been fetched than has arrived, since a certain look."""

    arrived: int
    fetched: int
    #: How many batches had come by that look, and at how many looks in a row none has come since.
    came: int
    looks: int = 0


class LostFetches:
    """Tells a fetch that was dropped from one that waits in the agent's queue.

    Either nothing comes at all and it still does not, or more has come than can have waited before it.
    """

    def __init__(self, patience: int) -> None:
        """A fetch is lost when ``patience`` looks in a row see it missing while nothing else comes either."""
        self._patience = patience
        self._came = 0
        self._missing: dict[TP, _Missing] = {}

    def look(self, missing: Mapping[TP, tuple[int, int]], came: int = 0, ahead: int = 0) -> list[TP]:
        """The topic partitions whose fetch is lost.

        ``missing`` says of each that has been fetched beyond what arrived, to where it arrived and was fetched.
        ``came`` counts all batches that ever came, ``ahead`` says how many can wait before one that has been fetched.
        """
        is_quiet, self._came = came == self._came, came
        before, self._missing, lost = self._missing, {}, []
        for tp, (arrived, fetched) in missing.items():
            stands = before.get(tp)
            if stands is None or (stands.arrived, stands.fetched) != (arrived, fetched):
                stands = _Missing(arrived, fetched, came)
            stands = stands._replace(looks=stands.looks + 1 if is_quiet else 1)
            if stands.looks < self._patience and came - stands.came <= ahead:
                self._missing[tp] = stands
            else:
                lost.append(tp)
        return lost
