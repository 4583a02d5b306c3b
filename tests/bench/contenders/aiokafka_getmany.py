"""A ceiling: aiokafka's ``getmany`` in a loop, which counts what it gets; with the flag ``json`` it decodes it too.

Runs in the project's environment, whose Kafka client this is; JSON is decoded by the standard library.
"""

import asyncio
import json

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.bench.contenders.arguments import Arguments, parse
from tests.bench.contenders.tally import Tally


async def main(arguments: Arguments) -> None:
    """Run until killed."""
    tally = Tally()
    decode = "json" in arguments.flags
    consumer = AIOKafkaConsumer(
        bootstrap_servers=arguments.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    consumer.assign([TopicPartition(arguments.topic, number) for number in arguments.own_partitions])
    tally.begin()
    while True:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            if decode:
                for record in records:
                    json.loads(record.value)
            tally.add(len(records))


if __name__ == "__main__":
    asyncio.run(main(parse()))
