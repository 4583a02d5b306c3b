"""Where Kafka's default partitioner puts a key: murmur2, made positive, modulo the number of partitions."""

__all__ = ["murmur2", "partition_of"]

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """The 32-bit hash of ``data``, unsigned, as ``org.apache.kafka.common.utils.Utils.murmur2`` computes it."""
    hashed = _SEED ^ len(data)
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little")
        word = word * _M & _MASK
        word ^= word >> 24
        word = word * _M & _MASK
        hashed = hashed * _M & _MASK
        hashed ^= word
    if len(data) > whole:
        hashed ^= int.from_bytes(data[whole:], "little")
        hashed = hashed * _M & _MASK
    hashed ^= hashed >> 13
    hashed = hashed * _M & _MASK
    hashed ^= hashed >> 15
    return hashed


def partition_of(key: bytes, partitions: int) -> int:
    """The partition, 0 to ``partitions`` - 1, of a record with ``key``."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
