"""The command line that all contenders share."""

import argparse
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Arguments", "parse"]


@dataclass(frozen=True, slots=True)
class Arguments:
    """Where to read, and which of how many processes this one is.

    Attributes:
        bootstrap: the broker, host:port.
        topic: the topic with the events; it has ``partitions`` partitions.
        group: consumer group, new for each measurement.
        index: number of this process, from 0, among ``workers``.
        addresses: per process a free host:port, for those that talk to each other.
        folder: an empty folder of this process's own.
        clickhouse: URL with the database, for those that write there.
        flags: names of variants.
    """

    bootstrap: str
    topic: str
    partitions: int
    group: str
    index: int
    workers: int
    addresses: tuple[str, ...]
    folder: Path
    clickhouse: str
    flags: frozenset[str]

    @property
    def own_partitions(self) -> list[int]:
        """The share of this process, for those without a consumer group."""
        return [number for number in range(self.partitions) if number % self.workers == self.index]


def parse() -> Arguments:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--index", type=int, required=True)
    parser.add_argument("--addresses", type=lambda text: tuple(text.split(",")), required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--clickhouse", default="")
    parser.add_argument("--flags", type=lambda text: frozenset(filter(None, text.split(","))), default=frozenset())
    options = parser.parse_args()
    return Arguments(workers=len(options.addresses), **vars(options))
