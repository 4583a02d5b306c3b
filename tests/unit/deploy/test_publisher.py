from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from deploy.publisher import partition_of
from streams.partitioner import Partitioner


@given(st.text(min_size=1).filter(lambda text: text.isprintable()), st.integers(1, 64))
def test_a_user_goes_where_a_plain_kafka_python_producer_sends_it(user_id: str, partitions: int) -> None:
    key = user_id.encode()
    expected = (murmur2(key) & 0x7FFFFFFF) % partitions
    assert partition_of(Partitioner(partitions), partitions, key, b"{}") == expected


@given(st.binary(), st.integers(1, 64))
def test_a_message_without_a_key_goes_to_the_same_partition_every_time(value: bytes, partitions: int) -> None:
    chosen = {partition_of(Partitioner(partitions), partitions, None, value) for _ in range(2)}
    assert len(chosen) == 1
    assert chosen <= set(range(partitions))
