"""Small histories for hypothesis: a few users over a few days, told in any order and more than once."""

from typing import Any, Final

from hypothesis import strategies as st

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.days import to_date
from tests.oracle.hostile import to_json
from tests.oracle.judge import Message
from tests.oracle.murmur2 import partition_of

__all__ = ["CATALOG", "FIRST_DAY", "events", "histories", "in_partitions"]

#: Monday 2024-02-26, in days since 1970-01-01; the leap day and a month's end follow.
FIRST_DAY: Final = 19_779
_DAY_MS: Final = 24 * 60 * 60 * 1000
_MIDNIGHT_MS: Final = FIRST_DAY * _DAY_MS - 8 * 60 * 60 * 1000

CATALOG: Final = AppCatalog(
    listed={"a": AppSettings(), "b": AppSettings(time_zone="America/New_York", day_cutoff_minutes=240)}
)


def events(users: int = 3, days: int = 8) -> st.SearchStrategy[dict[str, Any]]:
    """One event's fields but for its id, on the edge of a day in Shanghai as often as inside it.

    Attributes follow from the instant, so that two events of one millisecond leave no doubt.
    """

    def fields(*, app_id: str, user: int, event: str, day: int, moment_ms: int, back: int | None) -> dict[str, Any]:
        ts = _MIDNIGHT_MS + day * _DAY_MS + moment_ms
        found: dict[str, Any] = {"app_id": app_id, "user_id": f"用户 {user}", "event": event, "ts": ts}
        if ts % 3:
            found |= {"channel": f"c{ts % 3}", "platform": f"p{ts % 2}"}
        if event == "check_in" and back is not None:
            found["for_day"] = to_date(FIRST_DAY + day - back).isoformat()
        return found

    return st.builds(
        fields,
        app_id=st.sampled_from(sorted(CATALOG.listed)),
        user=st.integers(1, users),
        event=st.sampled_from(("app_open", "page_view", "check_in", "message_sent")),
        day=st.integers(0, days - 1),
        moment_ms=st.one_of(st.sampled_from((0, 1, _DAY_MS // 2, _DAY_MS - 1)), st.integers(0, _DAY_MS - 1)),
        back=st.one_of(st.none(), st.integers(0, 3)),
    )


@st.composite
def histories(draw: st.DrawFn, users: int = 3, days: int = 8, most: int = 25) -> list[dict[str, Any]]:
    """Events with ids, in any order, some of them more than once."""
    distinct = [
        {"event_id": f"e{number}", **fields}
        for number, fields in enumerate(draw(st.lists(events(users, days), min_size=1, max_size=most)))
    ]
    repeated = draw(st.lists(st.sampled_from(distinct), max_size=most // 4))
    return draw(st.permutations(distinct + repeated))


def in_partitions(
    history: list[dict[str, Any]], partitions: int, astray: frozenset[int] = frozenset()
) -> list[Message]:
    """The history as records of ``mp.events``; those at the positions in ``astray`` have no key and go around."""
    messages = []
    offsets = [0] * partitions
    for position, fields in enumerate(history):
        key = None if position in astray else str(fields["user_id"]).encode()
        partition = position % partitions if key is None else partition_of(key, partitions)
        value = to_json(fields)
        messages.append(Message(partition, offsets[partition], key, value, int(fields["ts"])))
        offsets[partition] += 1
    return messages
