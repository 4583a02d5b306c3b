"""When a worker is not ready, and when it gives up."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from schemas.errors import Terminal
from streams import health
from streams.health import Health
from streams.sink import Sink
from streams.worker import Worker

TP0 = TP("mp.events", 0)
LOOKS_A_MINUTE = int(60 / health._PROBE_EVERY_S)


@dataclass
class Scene:
    """What the watch sees of its surroundings, and a watch that sees it."""

    owned: frozenset[int] = frozenset({0})
    is_blocked: bool = False
    behind: bool = False
    position: int = 100
    end: int | None = 100
    recovered: int | None = 0
    trouble: str | None = None
    broker: Exception | None = None
    watch: Health = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Health(
            cast("Worker", self), cast("Sink", self), self._probe, lambda _tp: self.end, lambda: self.recovered
        )

    async def _probe(self) -> Any:
        if self.broker is not None:
            raise self.broker

    def positions(self) -> dict[TP, int]:
        return {TP0: self.position}

    async def is_behind(self) -> bool:
        return self.behind

    def look(self, times: int = 1) -> list[str]:
        for _ in range(times):
            asyncio.run(self.watch.look())
        return self.watch.troubles()


def test_all_well() -> None:
    assert Scene().look(3 * LOOKS_A_MINUTE) == []


def test_a_broker_that_is_away_is_named_and_waited_for() -> None:
    scene = Scene(broker=KafkaConnectionError("gone"), behind=True)
    (trouble,) = scene.look(10 * LOOKS_A_MINUTE)
    assert "Kafka" in trouble
    scene.broker = None
    assert scene.look() == []


def test_a_sink_that_is_away_and_missing_partitions_are_named() -> None:
    scene = Scene(owned=frozenset(), trouble="ClickHouse refuses")
    assert scene.look() == ["ClickHouse refuses", "no partitions: waiting for the group, or recovering"]


def test_a_consumer_that_reads_nothing_although_messages_wait_is_given_up() -> None:
    scene = Scene(behind=True)
    scene.look(LOOKS_A_MINUTE)
    with pytest.raises(Terminal, match="read nothing"):
        scene.look(2 * LOOKS_A_MINUTE)


@pytest.mark.parametrize("reason", ["moves", "blocked", "at the end"])
def test_a_slow_or_idle_worker_is_not_given_up(reason: str) -> None:
    scene = Scene(behind=reason != "at the end", is_blocked=reason == "blocked", end=10_000)
    for _ in range(5 * LOOKS_A_MINUTE):
        scene.position += reason == "moves"
        assert scene.look() == []


def test_a_topic_that_was_made_anew_is_refused_but_a_new_leader_is_waited_for() -> None:
    scene = Scene(end=0)
    scene.look(2)
    scene.end = 100
    scene.look(10)
    scene.end = 0
    with pytest.raises(Terminal, match="made anew.*RETENTION_EPOCH"):
        scene.look(LOOKS_A_MINUTE)


def test_a_recovery_that_ended_without_a_word_is_given_up() -> None:
    scene = Scene(owned=frozenset(), recovered=7)
    scene.look(LOOKS_A_MINUTE)
    with pytest.raises(Terminal, match=r"recovery has read nothing for 120 s.*restart"):
        scene.look(2 * LOOKS_A_MINUTE)


def test_a_recovery_that_goes_on_and_a_worker_without_partitions_are_waited_for() -> None:
    scene = Scene(owned=frozenset(), recovered=0)
    for fetches in range(4 * LOOKS_A_MINUTE):
        scene.recovered = fetches // LOOKS_A_MINUTE
        scene.look()
    scene.recovered = None
    (trouble,) = scene.look(4 * LOOKS_A_MINUTE)
    assert "no partitions" in trouble


def test_a_recovery_is_not_given_up_while_the_broker_is_away() -> None:
    scene = Scene(owned=frozenset(), recovered=7, broker=KafkaConnectionError("gone"))
    assert scene.look(4 * LOOKS_A_MINUTE)
