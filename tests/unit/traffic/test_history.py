import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.traffic import Expected, History, Message
from deploy.traffic.network import MAX_DELAY_MS
from schemas.apps import AppCatalog
from schemas.errors import InvalidEvent
from schemas.validator import EventValidator
from tests.oracle.judge import Message as Record
from tests.oracle.judge import Verdict, judge
from tests.oracle.murmur2 import partition_of
from tests.unit.traffic.brute import Life, instant
from tests.unit.traffic.conftest import END_MS, SEED

PARTITIONS = 4
OPEN_ID = re.compile(r"o[A-Za-z0-9_-]{27}")

DIGEST = """
import hashlib
from deploy.traffic import History
digest = hashlib.sha256()
for message in History({seed}, days=12, users=200, end_ms={end_ms}):
    digest.update(repr(message).encode())
print(digest.hexdigest())
"""


def digest_in_another_process(hash_seed: str) -> str:
    code = DIGEST.format(seed=SEED, end_ms=END_MS)
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": root}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_same_seed_gives_the_same_bytes_in_every_process() -> None:
    digest = hashlib.sha256()
    for message in History(SEED, days=12, users=200, end_ms=END_MS):
        digest.update(repr(message).encode())
    assert digest_in_another_process("1") == digest_in_another_process("2") == digest.hexdigest()


def test_a_second_iteration_repeats_the_first(small: History, small_messages: Sequence[Message]) -> None:
    assert tuple(small) == small_messages


def test_another_seed_gives_other_users() -> None:
    users = [
        {message.key for message in History(seed, days=3, users=50, end_ms=END_MS)} - {None}
        for seed in (SEED, SEED + 1)
    ]
    assert all(users)
    assert users[0].isdisjoint(users[1])


def test_messages_come_in_order_of_arrival_and_within_the_history(
    small: History, small_messages: Sequence[Message]
) -> None:
    arrivals = [message.timestamp_ms for message in small_messages]
    assert arrivals == sorted(arrivals)
    assert small.start_ms <= arrivals[0]
    assert arrivals[-1] <= small.end_ms == END_MS
    assert END_MS - arrivals[-1] < 60_000


def test_messages_obey_the_contract_but_for_those_meant_to_break_it(small_messages: Sequence[Message]) -> None:
    results = EventValidator(AppCatalog(), 262_144).validate(message.value for message in small_messages)
    wrong = [
        (message, result)
        for message, result in zip(small_messages, results, strict=True)
        if isinstance(result, InvalidEvent) is not (message.expected is Expected.INVALID)
    ]
    assert wrong == []


def test_every_message_meets_the_fate_it_is_labelled_with(small_messages: Sequence[Message]) -> None:
    offsets: Counter[int] = Counter()
    records = []
    for i, message in enumerate(small_messages):
        partition = i % PARTITIONS if message.key is None else partition_of(message.key, PARTITIONS)
        records.append(Record(partition, offsets[partition], message.key, message.value, message.timestamp_ms))
        offsets[partition] += 1
    judgement = judge(records, AppCatalog(), PARTITIONS)
    assert judgement.undetermined == []
    verdicts = {id(judged.message): judged.verdict for judged in judgement.judged}
    for message, record in zip(small_messages, records, strict=True):
        verdict = verdicts[id(record)]
        if verdict is Verdict.REKEYED:  # a message without a key, on a partition that is not its user's
            assert message.key is None
            assert message.expected is Expected.ACCEPTED
        else:
            assert verdict.value == message.expected.value, message
    assert set(verdicts.values()) == set(Verdict)


def test_the_key_is_the_user_unless_a_producer_forgot_it(small_messages: Sequence[Message]) -> None:
    counted = [m for m in small_messages if m.expected in {Expected.ACCEPTED, Expected.DUPLICATE}]
    keyed = [m for m in counted if m.key is not None]
    assert all(json.loads(m.value)["user_id"].encode() == m.key for m in keyed)
    assert all(OPEN_ID.fullmatch(m.key.decode()) for m in keyed if m.key is not None)


def test_a_repeat_is_byte_for_byte_what_came_before_and_nothing_else_repeats(
    small_messages: Sequence[Message],
) -> None:
    seen: dict[str, bytes] = {}
    for message in small_messages:
        if message.expected is Expected.INVALID:
            continue
        event_id = json.loads(message.value)["event_id"]
        if message.expected is Expected.DUPLICATE:
            assert seen[event_id] == message.value
        else:
            assert event_id not in seen
            seen[event_id] = message.value


def test_disorder_is_real_and_bounded(small_messages: Sequence[Message]) -> None:
    delays = [
        message.timestamp_ms - instant(json.loads(message.value))
        for message in small_messages
        if message.expected in {Expected.ACCEPTED, Expected.DUPLICATE}
    ]
    assert min(delays) > 0
    assert 12 * 3_600_000 < max(delays) <= MAX_DELAY_MS
    assert 0.001 < sum(delay > 2 * 3_600_000 for delay in delays) / len(delays) < 0.02


def test_invalid_messages_are_broken_in_every_way(default: History) -> None:
    kinds = set()
    for message in default:
        if message.expected is not Expected.INVALID:
            continue
        try:
            event = json.loads(message.value)
        except ValueError:
            kinds.add("empty" if message.value == b"" else "no JSON")
            continue
        kinds |= {f"no {name}" for name in ("user_id", "ts") if name not in event}
        kinds |= {"ts without offset"} if isinstance(event.get("ts"), str) and "+" not in event["ts"] else set()
        kinds |= {"bad name"} if " " in event["event"] else set()
        kinds |= {"wrong type"} if isinstance(event.get("duration_ms"), str) else set()
        if len(kinds) == 7:
            return
    pytest.fail(f"only {kinds}")


def test_default_history_has_the_intended_size_and_shares(default_life: Life) -> None:
    total = default_life.messages
    assert 600_000 < total < 900_000
    share = {expected: count / total for expected, count in default_life.expected.items()}
    assert share[Expected.DUPLICATE] == pytest.approx(0.02, rel=0.1)
    assert share[Expected.LATE] == pytest.approx(0.0012, rel=0.3)
    assert share[Expected.INVALID] == pytest.approx(0.0008, rel=0.3)
    assert share[Expected.FUTURE] == pytest.approx(0.0002, rel=0.5)
    assert 0 < default_life.keyless / total < 0.001
    assert 19_500 < len(default_life.first) <= 20_000


@pytest.mark.parametrize(("days", "users"), [(0, 10), (10, 0)])
def test_an_empty_history_is_refused(days: int, users: int) -> None:
    with pytest.raises(ValueError, match="at least 1 day and 1 user"):
        History(SEED, days=days, users=users, end_ms=END_MS)


@pytest.mark.parametrize("days", [1, 2, 7])
def test_a_short_history_is_one_too(days: int) -> None:
    history = History(SEED, days=days, users=40, end_ms=END_MS)
    assert len(history.population.users) == 40
    assert len(Life(history).first) > 20
