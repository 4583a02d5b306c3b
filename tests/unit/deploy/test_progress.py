from dataclasses import replace

from deploy.progress import PartitionProgress, behind, totals

NOTHING = PartitionProgress(
    offset=0, watermark=None, consumed=0, accepted=0, duplicate=0, late=0, future=0, invalid=0, rekeyed=0
)


def test_nothing_published_is_nothing_to_wait_for() -> None:
    assert behind({}, {("mp.events", 0): 0}) == 0


def test_what_is_not_read_yet_is_behind() -> None:
    progress = {("mp.events", 0): replace(NOTHING, offset=7)}
    assert behind(progress, {("mp.events", 0): 10, ("mp.events", 1): 4}) == 7


def test_a_partition_that_is_ahead_of_its_known_end_hides_no_other() -> None:
    progress = {("mp.events", 0): replace(NOTHING, offset=9)}
    assert behind(progress, {("mp.events", 0): 5, ("mp.events", 1): 4}) == 4


def test_a_forwarded_message_is_behind_until_it_is_read_at_home() -> None:
    sent = replace(NOTHING, offset=10, consumed=10, accepted=8, rekeyed=2)
    ends = {("mp.events", 0): 10, ("mp.events.rekeyed", 1): 0}
    assert behind({("mp.events", 0): sent}, ends) == 2
    received = replace(NOTHING, offset=2, consumed=2, accepted=2)
    assert behind({("mp.events", 0): sent, ("mp.events.rekeyed", 1): received}, ends) == 0


def test_totals_count_a_forwarded_message_once() -> None:
    first = replace(NOTHING, consumed=10, accepted=4, duplicate=1, late=1, future=1, invalid=1, rekeyed=2)
    second = replace(NOTHING, consumed=2, accepted=1, duplicate=1)
    found = totals({("mp.events", 0): first, ("mp.events.rekeyed", 1): second})
    assert (found.events, found.accepted, found.duplicate) == (10, 5, 2)
    assert found.dead == {"late": 1, "future": 1, "invalid": 1}
    assert found.events == found.accepted + found.duplicate + sum(found.dead.values())
