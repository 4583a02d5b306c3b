"""A ceiling: librdkafka's ``consume`` in a loop, which counts what it gets and nothing else."""

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition  # type: ignore[import-not-found]

from tests.bench.contenders.arguments import parse
from tests.bench.contenders.tally import Tally


def main() -> None:
    """Run until killed."""
    arguments = parse()
    tally = Tally()
    consumer = Consumer(
        {"bootstrap.servers": arguments.bootstrap, "group.id": arguments.group, "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(arguments.topic, number, OFFSET_BEGINNING) for number in arguments.own_partitions])
    tally.begin()
    while True:
        got = consumer.consume(10_000, 0.1)
        if got:
            tally.add(len(got))


if __name__ == "__main__":
    main()
