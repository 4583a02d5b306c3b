"""What stands in the topics and in the tables at one moment, and how it differs from brute force."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from clickhouse_connect import get_client

from deploy.settings import Settings
from schemas.topics import DEAD, EVENTS, REKEYED
from tests.oracle.compare import Difference, Kind, differences
from tests.oracle.judge import Judgement, Message, Verdict, judge
from tests.oracle.tables import Oracle, tables

__all__ = ["Snapshot"]

_LARGEST: Final = 32 * 1024 * 1024
_SILENCE_MS: Final = 1500
_READ: Final = (EVENTS.name, REKEYED.name, DEAD.name)
_REFUSALS: Final = (Verdict.LATE, Verdict.FUTURE, Verdict.INVALID)


class Snapshot:
    """All records read so far, and the comparison with them."""

    def __init__(self, settings: Settings, clickhouse_url: str) -> None:
        """``clickhouse_url`` leads to ClickHouse itself, past the proxy."""
        self.records: defaultdict[TopicPartition, list[Any]] = defaultdict(list)
        self._settings = settings
        self._url = clickhouse_url
        self._judged = -1
        self._oracle: Oracle | None = None
        self._judgement: Judgement | None = None

    async def read(self) -> int:
        """Read on in all topics until nothing comes any more; the number of records that are new."""
        count = 0
        async with AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap, max_partition_fetch_bytes=_LARGEST
        ) as consumer:
            places = [TopicPartition(topic, number) for topic in _READ for number in range(self._settings.partitions)]
            consumer.assign(places)
            for place in places:
                known = self.records[place]
                consumer.seek(place, known[-1].offset + 1 if known else 0)
            # Not by end offsets: the embedded broker reports them too low (its last batch's base offset + 1).
            while fetched := await consumer.getmany(timeout_ms=_SILENCE_MS):
                for place, records in fetched.items():
                    self.records[place] += records
                    count += len(records)
        return count

    def ends(self) -> Mapping[tuple[str, int], int]:
        """The offset after the last record of each partition of the input topics."""
        return {
            (place.topic, place.partition): records[-1].offset + 1
            for place, records in self.records.items()
            if records and place.topic != DEAD.name
        }

    def progress(self) -> Mapping[tuple[str, int], int]:
        """The next offset of each partition of the input topics, as published."""
        with self._client() as client:
            rows = client.query("SELECT topic, partition, offset FROM progress FINAL").result_rows
        return {(topic, partition): offset for topic, partition, offset in rows}

    def compare(self) -> list[Difference]:
        """Every difference between the views and brute force over the records read; the dead letters too."""
        oracle, judgement = self._expected()
        with self._client() as client:
            found = differences(client, oracle, restarted=True)
        return found + self._dead_letters(judgement)

    def _expected(self) -> tuple[Oracle, Judgement]:
        messages = [
            Message(record.partition, record.offset, record.key, record.value, record.timestamp)
            for place, records in self.records.items()
            if place.topic == EVENTS.name
            for record in records
        ]
        if self._oracle is None or self._judgement is None or self._judged != len(messages):
            settings = self._settings
            self._judged = len(messages)
            self._judgement = judge(messages, settings.apps, settings.partitions, settings.max_event_bytes)
            self._oracle = tables(self._judgement, settings.apps)
        return self._oracle, self._judgement

    def _dead_letters(self, judgement: Judgement) -> list[Difference]:
        """Each refused message is in the dead-letter topic, once or more often, and no other one is."""
        expected = {
            (judged.message.partition, judged.message.offset): (str(judged.verdict), judged.message.value or b"")
            for judged in judgement.judged
            if judged.verdict in _REFUSALS
        }
        published = {}
        for place, records in self.records.items():
            if place.topic == DEAD.name:
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    origin = int(headers["partition"]), int(headers["offset"])
                    published[origin] = headers["reason"], record.value or b""
        return [
            Difference(DEAD.name, Kind.VALUE, key, "letter", str(expected.get(key)), str(published.get(key)))
            for key in expected.keys() | published.keys()
            if expected.get(key) != published.get(key)
        ]

    def _client(self) -> Any:
        host, port = self._url.removeprefix("http://").split(":")
        return get_client(host=host, port=int(port), database=self._settings.clickhouse_database)

    async def everything_of(self, topic: str) -> list[Any]:
        """All records of another topic, for the evidence."""
        async with AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap, max_partition_fetch_bytes=_LARGEST
        ) as consumer:
            places = [TopicPartition(topic, number) for number in range(self._settings.partitions)]
            consumer.assign(places)
            for place in places:
                consumer.seek(place, 0)
            records: list[Any] = []
            while fetched := await asyncio.wait_for(consumer.getmany(timeout_ms=_SILENCE_MS), 60):
                records += [record for of_place in fetched.values() for record in of_place]
            return records
