"""Messages and folds for tests of the core."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.apps import AppCatalog
from schemas.validator import EventValidator
from streams.core.app_fold import AppFold
from streams.core.cells import Cells
from streams.core.partition_fold import PartitionFold
from streams.core.progress import Progress

DAY_MS = 86_400_000
#: 2024-02-26T00:00+08:00, a Monday.
MONDAY_MS = 1_708_876_800_000
MONDAY = 19_779
FAR_FUTURE_MS = 4_000_000_000_000


@dataclass(slots=True)
class Record:
    offset: int
    value: bytes | None
    timestamp: int = FAR_FUTURE_MS
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def event(event_id: str, day: float, user: str = "u", name: str = "page_view", **fields: Any) -> dict[str, Any]:
    """An event ``day`` days after Monday 2024-02-26 00:00 in Shanghai."""
    ts = int(MONDAY_MS + day * DAY_MS)
    return {"event_id": event_id, "app_id": "app", "user_id": user, "event": name, "ts": ts, **fields}


def new_fold(apps: AppCatalog | None = None, partition: int = 0) -> PartitionFold:
    """A fold of partition 0 without any recovered user, where every user is at home."""
    return PartitionFold(
        partition, 1, apps or AppCatalog(), Progress(), load=lambda _app, _user: None, home=lambda _user: 0
    )


def feed(
    fold: PartitionFold,
    values: Iterable[dict[str, Any] | bytes],
    *,
    start: int = 0,
    rekeyed: bool = False,
    **record: Any,
) -> None:
    """Fold ``values`` as one batch of messages with offsets from ``start``."""
    records = [
        Record(start + index, value if isinstance(value, bytes) else json.dumps(value).encode(), **record)
        for index, value in enumerate(values)
    ]
    events = EventValidator(fold._catalog, 4096).validate([record.value for record in records])
    (fold.fold_rekeyed if rekeyed else fold.fold_events)(records, events)


def numbers(cells: Cells) -> Counter[tuple[str, int, int]]:
    """Cells without segments that are not zero, by (family, start, n)."""
    return Counter(
        {
            (family, key >> 16, key & 0xFFFF): count
            for family, segment, _, _, group in cells.groups()
            for key, count in group.items()
            if count and not segment
        }
    )


def segment_numbers(cells: Cells) -> Counter[tuple[str, str, int, int]]:
    """Cells of ``new_daily_segment`` that are not zero, by (segment, value, start, n)."""
    return Counter(
        {
            (segment, value, key >> 16, key & 0xFFFF): count
            for _, segment, value, _, group in cells.groups()
            for key, count in group.items()
            if count and segment
        }
    )


def app_of(fold: PartitionFold) -> AppFold:
    return fold.apps["app"]
