"""A short, deterministic slice of the fuzzing; ``make fuzz`` does millions."""

import itertools
import json
from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.validator import EventValidator
from tests.fuzz.events import CATALOG, EventFuzz, disagreement
from tests.fuzz.mutate import APPS, FIELDS, Mutator
from tests.fuzz.records import RecordFuzz
from tests.oracle.contract import MAX_EVENT_BYTES

EVENTS = 60_000
RECORDS = 40_000

text = st.text(st.characters(), max_size=4) | st.sampled_from(("app_open", "check_in", "2024-02-29", *APPS))
numbers = st.integers() | st.integers(900_000_000_000, 5_000_000_000_000) | st.floats()
json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=12,
)
base = {"event_id": "e", "app_id": "plain", "user_id": "u", "event": "app_open", "ts": 1_709_179_200_000}


def test_no_message_is_read_otherwise_than_the_contract_says() -> None:
    fuzz = EventFuzz()
    deque(fuzz.run(Mutator(seed=2), EVENTS), maxlen=0)
    assert fuzz.findings == []
    # Both sides of the contract are met, or the comparison says little.
    assert fuzz.counts["accepted"] > EVENTS // 10
    assert fuzz.counts["refused"] > EVENTS // 2


def test_a_damaged_record_is_refused_and_an_intact_one_read() -> None:
    fuzz = RecordFuzz(seed=2)
    deque(fuzz.run(RECORDS), maxlen=0)
    assert fuzz.findings == []
    assert fuzz.counts["read"] > RECORDS // 20
    assert fuzz.counts["refused"] > RECORDS // 2


def test_the_same_seed_gives_the_same_messages() -> None:
    one, same, other = (list(itertools.islice(Mutator(seed), 500)) for seed in (3, 3, 4))
    assert one == same != other


@given(st.dictionaries(st.sampled_from(FIELDS) | text, json_values, max_size=4), json_values)
def test_any_structure_is_read_as_the_contract_says(fields: dict[str, Any], whole: Any) -> None:
    validator = EventValidator(CATALOG, MAX_EVENT_BYTES)
    for value in (json.dumps(base | fields).encode(), json.dumps(whole).encode()):
        (result,) = validator.validate([value])
        assert disagreement(value, result) is None
