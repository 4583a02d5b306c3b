from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.apps import AppCatalog
from tests.oracle.contract import instant_ms
from tests.oracle.judge import Message, judge
from tests.oracle.operations import COUNTERS, EVENTS, REKEYED
from tests.oracle.strategies import CATALOG, histories, in_partitions
from tests.oracle.tables import Oracle, tables
from tests.oracle.view import Between
from tests.unit.oracle.worked import did, message

# murmur2 puts "u2" on partition 0 of 2, and "u21" on partition 1.
SENT = instant_ms("2024-03-09T12:00:00+08:00")


def oracle_of(*messages: Message) -> Oracle:
    return tables(judge(messages, AppCatalog(), 2), AppCatalog())


def exactly(count: int) -> Between:
    return Between(count, count)


def test_progress_counts_every_message_once() -> None:
    oracle = oracle_of(
        message(did("u2", "2024-03-09"), 0),
        message(did("u2", "2024-03-09"), 1),
        message(did("u2", "2024-03-05"), 2),
        message(did("u2", "2024-03-20"), 3, timestamp_ms=SENT),
        Message(0, 4, None, None, SENT),
        message(did("u21", "2024-03-08"), 5),
        message(did("u2", "2024-03-07"), 6),
    )
    assert oracle.views["pipeline_progress"].rows == {
        (EVENTS, 0): (7, date(2024, 3, 9), 7, exactly(2), exactly(1), 1, 1, 1, 1),
        (REKEYED, 1): (1, Between(), 1, exactly(1), exactly(0), 0, 0, 0, 0),
    }
    assert oracle.accepted == {0: exactly(2), 1: exactly(1)}
    assert not oracle.forgetful


def test_partition_of_refused_messages_has_no_watermark() -> None:
    rows = oracle_of(Message(1, 0, None, b"", SENT)).views["pipeline_progress"].rows
    assert rows == {(EVENTS, 1): (1, None, 1, exactly(0), exactly(0), 0, 0, 1, 0)}


def test_offset_is_the_next_one_to_read() -> None:
    rows = oracle_of(message(did("u2", "2024-03-09"), 41)).views["pipeline_progress"].rows
    assert rows[EVENTS, 0][0] == 42


def test_which_topic_accepts_a_rekeyed_repeat_is_open_and_the_sum_is_not() -> None:
    event = did("u21", "2024-03-09")
    oracle = oracle_of(message(event, 0, 1), message(event, 0, 0), message(event, 1, 0))
    rows = oracle.views["pipeline_progress"].rows
    assert rows[EVENTS, 1][2:5] == (1, Between(0, 1), Between(0, 1))
    assert rows[EVENTS, 0][2:5] == (2, exactly(0), exactly(0))
    assert rows[EVENTS, 0][-1] == 2
    assert rows[REKEYED, 1][2:5] == (2, Between(0, 1), Between(1, 2))
    assert oracle.accepted[1] == exactly(1)


def test_rekeyed_repeat_of_a_day_closed_at_home_may_be_accepted_again() -> None:
    old = did("u21", "2024-03-01")
    oracle = oracle_of(message(did("u21", "2024-03-09"), 0, 1), message(old, 0, 0), message(old, 1, 0))
    assert oracle.views["pipeline_progress"].rows[REKEYED, 1][2:5] == (2, Between(1, 2), Between(0, 1))
    assert oracle.accepted[1] == Between(2, 3)
    assert oracle.forgetful == {1}
    assert not oracle.undetermined


def test_rekeyed_repeat_of_an_own_event_of_a_closed_day_may_be_accepted_again() -> None:
    old = did("u21", "2024-03-01")
    oracle = oracle_of(message(old, 0, 1), message(did("u21", "2024-03-09"), 1, 1), message(old, 0, 0))
    assert oracle.accepted[1] == Between(2, 3)


def test_dead_letter_shows_the_first_64_kib() -> None:
    rows = oracle_of(Message(0, 0, None, b"x" * 65_537, SENT)).views["dead_letters"].rows
    assert rows[EVENTS, 0, 0] == ("invalid", b"x" * 65_536, SENT)


def test_dead_letters_keep_bytes_and_origin() -> None:
    late = message(did("u2", "2024-03-05"), 1)
    future = message(did("u2", "2024-03-20"), 2, timestamp_ms=SENT)
    broken = Message(1, 0, b"\xff", b"\xff\x00{", 7)
    none = Message(1, 1, None, None, 8)
    oracle = oracle_of(message(did("u2", "2024-03-09"), 0), late, future, broken, none)
    assert oracle.views["dead_letters"].rows == {
        (EVENTS, 0, 1): ("late", late.value, instant_ms("2024-03-05T12:00:00+08:00")),
        (EVENTS, 0, 2): ("future", future.value, SENT),
        (EVENTS, 1, 0): ("invalid", b"\xff\x00{", 7),
        (EVENTS, 1, 1): ("invalid", b"", 8),
    }


@given(histories(), st.frozensets(st.integers(0, 30)))
def test_consumed_is_the_sum_of_its_parts(history: list[dict[str, Any]], astray: frozenset[int]) -> None:
    oracle = tables(judge(in_partitions(history, 2, astray), CATALOG, 2), CATALOG)
    consumed = 0
    for (topic, _), (_, _, *counts) in oracle.views["pipeline_progress"].rows.items():
        counters = dict(zip(COUNTERS, counts, strict=True))
        low, high = counters["accepted"], counters["duplicate"]
        refused = sum(counters[name] for name in ("late", "future", "invalid", "rekeyed"))
        assert counters["consumed"] == low.low + high.high + refused == low.high + high.low + refused
        consumed += counters["consumed"] if topic == EVENTS else 0
    assert consumed == len(history)
