"""Users live where Kafka's Java client and those in Python put them."""

import pytest
from aiokafka.partitioner import murmur2 as of_aiokafka
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as of_kafka_python

from streams import partitioner
from streams.partitioner import Partitioner, murmur2


@pytest.mark.parametrize(
    ("key", "signed"),
    # From the tests of Kafka's Java client (UtilsTest.testMurmur2).
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)],
)
def test_values_of_the_java_client(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@given(st.binary(max_size=40))
def test_values_of_the_python_clients(key: bytes) -> None:
    assert murmur2(key) == of_aiokafka(key) % 2**32 == of_kafka_python(key) % 2**32


@given(st.text(min_size=1, max_size=128), st.integers(1, 300))
def test_the_home_of_a_user(user_id: str, partitions: int) -> None:
    home = Partitioner(partitions)
    expected = (of_aiokafka(user_id.encode()) & 0x7FFFFFFF) % partitions
    assert home(user_id) == home(user_id) == expected


def test_the_homes_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitioner, "_CACHED", 3)
    home = Partitioner(7)
    homes = [home(str(number)) for number in range(10)]
    assert homes == [Partitioner(7)(str(number)) for number in range(10)]
    assert len(home._known) <= 3
