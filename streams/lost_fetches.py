"""Fetches that Faust dropped around a rebalance, told by what has been fetched and does not arrive."""

from collections.abc import Mapping

from faust.types import TP

__all__ = ["LostFetches"]


class LostFetches:
    """Counts at how many looks in a row a topic partition stands where it stood."""

    def __init__(self, patience: int) -> None:
        """A fetch is lost when ``patience`` looks in a row have seen it missing."""
        self._patience = patience
        #: Arrived to, fetched to, and at how many looks in a row.
        self._missing: dict[TP, tuple[int, int, int]] = {}

    def look(self, missing: Mapping[TP, tuple[int, int]]) -> list[TP]:
        """The topic partitions whose fetch is lost.

        ``missing`` says, of each that has been fetched beyond what arrived, where both stand now.
        """
        before, self._missing, lost = self._missing, {}, []
        for tp, (arrived, fetched) in missing.items():
            *stood, looks = before.get(tp, (arrived, fetched, 0))
            looks = looks + 1 if stood == [arrived, fetched] else 1
            if looks < self._patience:
                self._missing[tp] = arrived, fetched, looks
            else:
                lost.append(tp)
        return lost
