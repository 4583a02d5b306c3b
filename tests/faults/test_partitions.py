"""A topic whose number of partitions was changed is refused: its users would live in other partitions than before."""

import pytest
from kafka.admin import KafkaAdminClient, NewPartitions

from schemas.topics import EVENTS
from tests.e2e.pipeline import PARTITIONS, Pipeline
from tests.faults.load import in_parts
from tests.kafka.broker import is_apache


@pytest.mark.skipif(not is_apache(), reason="the embedded broker cannot add partitions")
def test_more_partitions_than_configured_are_refused_with_the_way_out(pipeline: Pipeline) -> None:
    (messages,) = in_parts(71, 1)
    pipeline.publish(messages)
    worker = pipeline.start_worker()
    pipeline.wait_until_folded()
    assert worker.stop() == 0
    admin = KafkaAdminClient(bootstrap_servers=pipeline.settings.kafka_bootstrap)
    admin.create_partitions({EVENTS.name: NewPartitions(PARTITIONS + 2)})
    admin.close()
    refused = pipeline.start_worker()
    refused.expected = False
    assert refused.process.wait(30) == 1
    last = refused.log.read_text().strip().splitlines()[-1]
    assert f"topic mp.events has {PARTITIONS + 2} partitions but RETENTION_PARTITIONS is {PARTITIONS}" in last
    assert "RETENTION_EPOCH=2" in last
    pipeline.assert_exact()
