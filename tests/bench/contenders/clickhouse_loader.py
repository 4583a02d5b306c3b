"""What one does without a stream processor: a loader that inserts the raw events into ClickHouse.

It consumes with librdkafka, joins the messages to one JSONEachRow insert without looking into them, and stores its
offsets after ClickHouse has acknowledged. Retention is then a query over all raw events, run again whenever somebody
wants newer figures. A crash inserts events twice, which that query does not mind, because it asks for distinct days.
"""

import http.client
from urllib.parse import quote, urlsplit

from confluent_kafka import Consumer  # type: ignore[import-not-found]

from tests.bench.contenders.arguments import parse
from tests.bench.contenders.tally import Tally

_INSERT = "INSERT INTO raw_events FORMAT JSONEachRow"
_ROWS = 50_000


class _Server:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(f"{parts.hostname}:{parts.port}", timeout=60)
        settings = "async_insert=0&input_format_skip_unknown_fields=1"
        self._path = f"/?database={parts.path.strip('/')}&{settings}&query={quote(_INSERT)}"

    def insert(self, rows: list[bytes]) -> None:
        self._connection.request("POST", self._path, b"\n".join(rows))
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(text.decode(errors="replace"))


def main() -> None:
    """Run until killed."""
    arguments = parse()
    tally = Tally()
    server = _Server(arguments.clickhouse)
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": arguments.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe([arguments.topic])
    tally.begin()
    while True:
        rows = [message.value() for message in consumer.consume(_ROWS, 1.0) if message.error() is None]
        if rows:
            server.insert(rows)
            consumer.commit(asynchronous=True)
            tally.add(len(rows))


if __name__ == "__main__":
    main()
