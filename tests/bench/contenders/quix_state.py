"""Quix Streams: a stateful function per event, state in RocksDB with a changelog topic, everything else by default.

At least once, a checkpoint every 5 seconds. Unlike the pipeline it validates nothing, knows no duplicates, and writes
nothing to ClickHouse. Its state is JSON, whose integers end at 64 bits, so the set of days is kept as hexadecimal text.
"""

from typing import Any

from quixstreams import Application, State  # type: ignore[import-not-found]

from tests.bench.contenders.arguments import parse
from tests.bench.contenders.fold import Activity, fold, local_day
from tests.bench.contenders.tally import Tally


def main() -> None:
    """Run until killed."""
    arguments = parse()
    tally = Tally()
    app = Application(
        broker_address=arguments.bootstrap,
        consumer_group=arguments.group,
        auto_offset_reset="earliest",
        state_dir=arguments.folder,
        consumer_extra_config={"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000},
        loglevel="WARNING",
    )

    def remember(event: dict[str, Any], state: State) -> tuple[int, int] | None:
        tally.count += 1
        kept = state.get("activity")
        before = None if kept is None else Activity(kept[0], kept[1], int(kept[2], 16))
        after, cell = fold(before, local_day(event))
        if after is not before:
            state.set("activity", [after.first, after.last, f"{after.days:x}"])
        return cell

    app.dataframe(app.topic(arguments.topic, value_deserializer="json")).apply(remember, stateful=True)
    tally.begin()
    app.run()


if __name__ == "__main__":
    main()
