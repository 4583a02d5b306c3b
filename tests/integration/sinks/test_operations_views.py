"""What operators look at: refused messages and how far the pipeline has come."""

from datetime import date

from tests.integration.sinks.world import World


def test_dead_letters_keep_the_original_bytes(world: World) -> None:
    raw = bytes(range(256)) + b"\xff\xfe"
    world.refuse(7, raw, key=b"\x00\xff", at_ms=1_709_251_199_999)
    world.refuse(8, b"")
    world.write()
    assert world.rows(
        "SELECT reason, topic, partition, offset, hex(raw), hex(key), detail, toUnixTimestamp64Milli(at) "
        "FROM dead_letters ORDER BY offset LIMIT 1"
    ) == [
        (
            "invalid",
            "mp.events",
            0,
            7,
            raw.hex().upper(),
            "00FF",
            "not JSON",
            1_709_251_199_999,
        )
    ]
    assert world.rows("SELECT offset, length(raw) FROM dead_letters ORDER BY offset") == [(7, 258), (8, 0)]


def test_a_message_refused_twice_is_one_dead_letter(world: World) -> None:
    for _ in range(2):
        world.refuse(7, b"{")
        world.write()
    assert world.rows("SELECT offset, raw FROM dead_letters") == [(7, "{")]


def test_progress_shows_the_latest_row_of_each_partition(world: World) -> None:
    world.progress(date(2024, 2, 28), offset=10, version=10, counters=(10, 10, 0, 0, 0, 0, 0))
    world.write()
    world.progress(date(2024, 2, 29), offset=31, version=31, counters=(31, 20, 5, 3, 1, 1, 1))
    world.progress(None, partition=1, topic="mp.events.rekeyed", offset=0, version=0, at_end=True)
    world.write()
    world.progress(date(2024, 2, 28), offset=20, version=20, counters=(20, 20, 0, 0, 0, 0, 0))
    world.write()
    assert world.rows(
        "SELECT epoch, topic, partition, offset, watermark, at_end, "
        "consumed, accepted, duplicate, late, future, invalid, rekeyed "
        "FROM pipeline_progress ORDER BY topic"
    ) == [
        (1, "mp.events", 0, 31, date(2024, 2, 29), False, 31, 20, 5, 3, 1, 1, 1),
        (1, "mp.events.rekeyed", 1, 0, None, True, 0, 0, 0, 0, 0, 0, 0),
    ]


def test_progress_says_when_it_was_written(world: World) -> None:
    world.progress(date(2024, 2, 28))
    world.write()
    assert world.rows("SELECT abs(dateDiff('minute', updated_at, now64(3, 'UTC'))) <= 1 FROM pipeline_progress") == [
        (1,)
    ]
