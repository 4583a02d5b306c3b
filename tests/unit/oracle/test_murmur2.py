import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.murmur2 import murmur2, partition_of

# From Apache Kafka's own UtilsTest; Java's int is signed.
KAFKA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "signed"), KAFKA.items())
def test_hashes_as_apache_kafka_does(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


@given(st.binary(max_size=40))
def test_hashes_as_aiokafka_does(data: bytes) -> None:
    assert murmur2(data) == reference(data) % 2**32


@pytest.mark.parametrize(("key", "partition"), [(b"21", 0), (b"foobar", 6), (b"abc", 7)])
def test_partition_is_that_of_the_hash_without_its_sign_bit(key: bytes, partition: int) -> None:
    # 21: -973932308 & 0x7fffffff = 1173551340, abc: 479470107, foobar: 1357151166
    assert partition_of(key, 10) == partition
