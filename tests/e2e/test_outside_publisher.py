"""A backend that knows only the contract: kafka-python, a topic and JSON."""

import json
import time

from kafka import KafkaProducer

from tests.e2e.pipeline import Pipeline

DEADLINE_S = 30


def test_events_of_a_kafka_python_producer_show_in_the_views(pipeline: Pipeline) -> None:
    pipeline.start_worker()
    pipeline.publish_one(b"{}")
    pipeline.wait_until_folded()
    producer = KafkaProducer(bootstrap_servers=pipeline.settings.kafka_bootstrap)
    now = int(time.time() * 1000)
    for number in range(50):
        user = f"openid-{number}"
        event = {"event_id": str(number), "app_id": "wx-default", "user_id": user, "event": "app_open", "ts": now}
        producer.send("mp.events", key=user.encode(), value=json.dumps(event).encode())
    producer.flush()
    sql = (
        "SELECT (SELECT count() FROM user_activity), "
        "(SELECT max(retained_users) FROM retention_daily WHERE audience = 'new' AND day_n = 0)"
    )
    deadline = time.monotonic() + DEADLINE_S
    shown = 0, 0
    while shown != (50, 50) and time.monotonic() < deadline:
        ((users, retained),) = pipeline.client.query(sql).result_rows
        shown = users, retained
        time.sleep(0.1)
    assert shown == (50, 50)
    # Kafka's own partitioner and ours agree: nobody had to be rekeyed.
    assert pipeline.client.query("SELECT sum(rekeyed) FROM progress FINAL").result_rows == [(0,)]
    producer.close()
