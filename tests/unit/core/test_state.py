"""States: equality, forgetting ids, and merging what was folded from different parts of the topics."""

import random

from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import EVENTS, REKEYED
from streams.core.state import UserState, forget_ids_before, merge
from tests.unit.core.support import app_of, event, feed, new_fold

visits = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["page_view", "check_in", "message_sent"])), min_size=1, max_size=15
)


def folded(direct: list[dict[str, object]], forwarded: list[dict[str, object]]) -> UserState:
    """The state after the first events of ``mp.events`` and of ``mp.events.rekeyed``."""
    fold = new_fold()
    feed(fold, [event("never qualifies", 12, name="message_sent", user="nobody")])
    if direct:
        feed(fold, direct, start=1)
    if forwarded:
        feed(fold, forwarded, rekeyed=True)
    fold.accepted[EVENTS.name] -= 1
    user = app_of(fold).users.get("u", UserState())
    assert user.accepted + user.rekeyed_accepted == fold.accepted[EVENTS.name] + fold.accepted[REKEYED.name]
    return user


def test_states_are_equal_by_value() -> None:
    one, other = UserState(), UserState()
    assert one == other
    other.days = 1
    assert one != other
    assert one != "a state"
    assert "days=1" in repr(other)


@given(visits, visits, st.randoms(use_true_random=False))
def test_merged_states_are_the_state_of_all_events(
    one: list[tuple[int, str]], other: list[tuple[int, str]], chance: random.Random
) -> None:
    direct = [event(f"d{index}", 10 + day / 13, name=name, channel=name) for index, (day, name) in enumerate(one)]
    forwarded = [event(f"f{index}", 10 + day / 13, name=name, channel=name) for index, (day, name) in enumerate(other)]
    ahead_in_one = folded(direct, forwarded[: chance.randrange(len(forwarded))])
    ahead_in_other = folded(direct[: chance.randrange(len(direct))], forwarded)
    everything = folded(direct, forwarded)
    for merged in (merge(ahead_in_one, ahead_in_other), merge(ahead_in_other, ahead_in_one)):
        for day, seen in everything.event_ids.items():
            assert sorted(_ids(seen)) == sorted(_ids(merged.event_ids[day]))
        merged.event_ids = everything.event_ids
        assert merged == everything


def _ids(seen: bytes) -> list[bytes]:
    return [seen[at : at + 8] for at in range(0, len(seen), 8)]


def test_ids_of_closed_days_are_forgotten() -> None:
    user = UserState()
    user.event_ids = {100: b"12345678", 101: b"abcdefgh"}
    forget_ids_before(user, 101)
    assert user.event_ids == {101: b"abcdefgh"}
