"""Everyone who can take part, by the name on the command line."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.bench.attempts import Attempt, ProgramAttempt
from tests.bench.launching import ContenderFailed
from tests.bench.loading import LoaderAttempt
from tests.bench.pipeline import PipelineAttempt
from tests.bench.stage import Stage

__all__ = ["CONTENDERS", "OURS", "Contender"]

OURS: Final = "ours"
Kind = Literal["ours", "engine", "loader", "ceiling"]


@dataclass(frozen=True, slots=True)
class Contender:
    """Who it is.

    Attributes:
        name: on the command line.
        title: in tables.
        kind: ``engine`` does comparable stateful work, ``loader`` is the way without one, ``ceiling`` next to nothing.
        packages: whose versions and licences are printed.
        prepare: makes the attempt of a round (from 1) with so many processes.
        whole: whether it is to work through the whole topic, however long that takes.
    """

    name: str
    title: str
    kind: Kind
    packages: tuple[str, ...]
    prepare: Callable[[Stage, int, int], Attempt]
    whole: bool = False


def _program(
    name: str, module: str, *flags: str, is_peer: bool = False, kind: type[ProgramAttempt] = ProgramAttempt
) -> Callable[[Stage, int, int], Attempt]:
    """A program of ours around a library, in the environment of the peers or in our own."""

    def prepare(stage: Stage, round_number: int, workers: int) -> Attempt:
        python = stage.peers if is_peer else Path(sys.executable)
        if not python.exists():
            raise ContenderFailed(f"{python} does not exist: make bench installs it")
        return kind(stage, python, module, group=f"{name}-{round_number}", workers=workers, flags=flags)

    return prepare


_ALL: Final = (
    Contender(OURS, "retention, end to end", "ours", ("retention", "faust-streaming"), PipelineAttempt, whole=True),
    Contender("faust", "Faust agent with a table", "engine", ("faust-streaming",), _program("faust", "faust_table")),
    Contender(
        "quix",
        "Quix Streams, stateful",
        "engine",
        ("quixstreams", "confluent-kafka"),
        _program("quix", "quix_state", is_peer=True),
    ),
    Contender(
        "bytewax",
        "Bytewax, stateful",
        "engine",
        ("bytewax", "confluent-kafka", "orjson"),
        _program("bytewax", "bytewax_state", is_peer=True),
    ),
    Contender(
        "bytewax-durable",
        "Bytewax, stateful, with recovery",
        "engine",
        ("bytewax", "confluent-kafka", "orjson"),
        _program("bytewax-durable", "bytewax_state", "durable", is_peer=True),
    ),
    Contender(
        "loader",
        "raw events into ClickHouse",
        "loader",
        ("confluent-kafka",),
        _program("loader", "clickhouse_loader", is_peer=True, kind=LoaderAttempt),
        whole=True,
    ),
    Contender(
        "aiokafka", "aiokafka loop, count only", "ceiling", ("aiokafka",), _program("aiokafka", "aiokafka_getmany")
    ),
    Contender(
        "aiokafka-json",
        "aiokafka loop, JSON decoding",
        "ceiling",
        ("aiokafka",),
        _program("aiokafka-json", "aiokafka_getmany", "json"),
    ),
    Contender(
        "confluent",
        "confluent-kafka loop, count only",
        "ceiling",
        ("confluent-kafka",),
        _program("confluent", "confluent_consume", is_peer=True),
    ),
)

CONTENDERS: Final = {contender.name: contender for contender in _ALL}
