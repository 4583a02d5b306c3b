"""Bytewax: its Kafka source, decode, key by user, fold in a stateful operator.

With the flag ``durable`` it snapshots its state into its recovery store every 10 seconds, its default; without it
the state is lost with the process. Its operators are those that take whole batches, the fastest. Unlike the pipeline it
validates nothing, knows no duplicates, and writes nothing to ClickHouse. Several processes form a cluster and exchange
events by key.
"""

from datetime import timedelta
from typing import Any

import bytewax.operators as op  # type: ignore[import-not-found]
import orjson  # type: ignore[import-not-found]
from bytewax._bytewax import cluster_main  # type: ignore[import-not-found]
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage  # type: ignore[import-not-found]
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]
from bytewax.outputs import DynamicSink, StatelessSinkPartition  # type: ignore[import-not-found]
from bytewax.recovery import RecoveryConfig, init_db_dir  # type: ignore[import-not-found]

from tests.bench.contenders.arguments import Arguments, parse
from tests.bench.contenders.fold import Activity, fold, local_day
from tests.bench.contenders.tally import Tally


class _Fold(op.StatefulBatchLogic):  # type: ignore[misc]
    """The state of one user; a batch holds the days of all its events that came together."""

    def __init__(self, tally: Tally, state: Activity | None) -> None:
        self._tally = tally
        self._state = state

    def on_batch(self, values: list[int]) -> tuple[list[tuple[int, int]], bool]:
        """Fold the days; gives the cells that grow, and that the state is to be kept."""
        cells = []
        for day in values:
            self._state, cell = fold(self._state, day)
            if cell is not None:
                cells.append(cell)
        self._tally.count += len(values)
        return cells, False

    def snapshot(self) -> Activity | None:
        """What the recovery store keeps."""
        return self._state


class _Nowhere(StatelessSinkPartition):  # type: ignore[misc]
    def write_batch(self, items: list[Any]) -> None:
        """Drop them: a dataflow needs an output."""


class _Discard(DynamicSink):  # type: ignore[misc]
    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Nowhere:
        return _Nowhere()


def _decode(messages: list[KafkaSourceMessage]) -> list[tuple[str, int]]:
    events = [orjson.loads(message.value) for message in messages]
    return [(event["user_id"], local_day(event)) for event in events]


def dataflow(arguments: Arguments, tally: Tally) -> Any:
    """Topic → decoded events by user → cells that grow."""
    flow = Dataflow("bench")
    source = KafkaSource([arguments.bootstrap], [arguments.topic], batch_size=10_000)
    days = op.flat_map_batch("decode", op.input("events", flow, source), _decode)
    cells = op.stateful_batch("fold", days, lambda state: _Fold(tally, state))
    op.output("discard", cells, _Discard())
    return flow


def main() -> None:
    """Run until killed."""
    arguments = parse()
    recovery = None
    if "durable" in arguments.flags:
        init_db_dir(arguments.folder, 1)
        recovery = RecoveryConfig(str(arguments.folder))
    tally = Tally()
    flow = dataflow(arguments, tally)
    tally.begin()
    cluster_main(
        flow,
        list(arguments.addresses) if arguments.workers > 1 else None,
        arguments.index,
        epoch_interval=timedelta(seconds=10),
        recovery_config=recovery,
        worker_count_per_proc=1,
    )


if __name__ == "__main__":
    main()
