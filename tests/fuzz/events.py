"""Hostile messages through validation and the fold, each held against an independent reading of the contract."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.apps import AppCatalog, AppSettings
from schemas.errors import InvalidEvent
from schemas.event import CHECK_IN, MAX_TS, Event
from schemas.validator import EventValidator
from streams.codec import decode_user, encode_user
from streams.core.app_fold import AppFold
from tests.oracle.contract import ATTRIBUTES, MAX_EVENT_BYTES, Refused, read_event
from tests.unit.core.support import Record, new_fold

__all__ = ["CATALOG", "EventFuzz", "disagreement"]

CATALOG: Final = AppCatalog(
    listed={
        "plain": AppSettings(make_up_days=1),
        "strict": AppSettings(time_zone="Asia/Kathmandu", strict=True, make_up_days=0),
        "newyork": AppSettings(time_zone="America/New_York", day_cutoff_minutes=240, make_up_days=30),
    }
)
_VALIDATOR: Final = EventValidator(CATALOG, MAX_EVENT_BYTES)
_FOLDS: Final = {app_id: AppFold(app_id, app) for app_id, app in CATALOG.listed.items()}
#: Later than any event that counts, so that nothing is refused for being ahead of its record.
_RECORD_MS: Final = MAX_TS
_BATCH: Final = 1000


@dataclass(slots=True)
class EventFuzz:
    """What became of the inputs; ``findings`` are those that were read wrongly or broke something."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def run(self, values: Iterable[bytes], count: int) -> Iterator[int]:
        """Work through ``count`` of ``values``; yields how many are done, now and then."""
        stream, done = iter(values), 0
        while batch := list(itertools.islice(stream, min(_BATCH, count - done))):
            self._batch(batch)
            done += len(batch)
            yield done

    def _batch(self, values: Sequence[bytes]) -> None:
        results = _VALIDATOR.validate(values)
        for value, result in zip(values, results, strict=True):
            self.counts["refused" if isinstance(result, InvalidEvent) else "accepted"] += 1
            wrong = disagreement(value, result) or _other_than_pydantic(value, result)
            if wrong:
                self.findings.append(f"{wrong}: {value[:500]!r}")
        self._fold(values, results)

    def _fold(self, values: Sequence[bytes], results: Sequence[Event | InvalidEvent]) -> None:
        """What was accepted is folded without a crash, and the states that come of it survive the codec."""
        fold = new_fold(CATALOG)
        fold.fold_events([Record(offset, value, _RECORD_MS) for offset, value in enumerate(values)], results)
        progress = fold.progress.events
        refused = progress.late + progress.future + progress.invalid
        if progress.consumed != len(values) or len(fold.dead) != refused:
            self.findings.append(f"{len(values)} messages became {progress.consumed}, {len(fold.dead)} dead letters")
        for app in fold.apps.values():
            for user_id, user in app.users.items():
                self.counts["state"] += 1
                if decode_user(encode_user(user)) != user:
                    self.findings.append(f"the state of {user_id!r} changes by being encoded: {user!r}")


def disagreement(value: bytes | None, result: Event | InvalidEvent) -> str | None:
    """How the pipeline's reading of ``value`` differs from the oracle's; ``None`` when they are one."""
    refusal = str(result) if isinstance(result, InvalidEvent) else _refused_by_settings(result)
    try:
        expected, _ = read_event(value, CATALOG)
    except Refused as refused:
        return None if refusal else f"accepted, though {refused}"
    if isinstance(result, InvalidEvent):
        return None if value is not None and _hides_a_surrogate(value) else f"refused, as {refusal}"
    if refusal:
        return None if expected.ts_ms >= MAX_TS else f"refused, as {refusal}"
    return _other_content(result, expected)


def _other_content(result: Event, expected: Any) -> str | None:
    read: dict[str, Any] = dict(result)
    app = _FOLDS[result["app_id"]]
    day = app.calendar.local_day(result["ts"])
    fill = result.get("for_day") if result["event"] == CHECK_IN else None
    ours = (
        *(read[name] for name in ("app_id", "user_id", "event_id", "event", "ts")),
        day,
        (day if fill is None else fill) if result["event"] == CHECK_IN else None,
        tuple("" if read.get(name) is None else str(read[name]) for name in ATTRIBUTES),
    )
    theirs = (
        *(expected.app_id, expected.user_id, expected.event_id, expected.event, expected.ts_ms),
        expected.day,
        expected.check_in_day,
        expected.attributes,
    )
    return None if ours == theirs else f"read as {ours}, must be {theirs}"


def _other_than_pydantic(value: bytes, result: Event | InvalidEvent) -> str | None:
    alone = _VALIDATOR._judged(value)
    if isinstance(alone, InvalidEvent) or isinstance(result, InvalidEvent):
        same = str(alone) == str(result)
    else:
        same = repr(sorted(alone.items())) == repr(sorted(result.items()))
    return None if same else f"read as {result!r}, by pydantic alone as {alone!r}"


def _refused_by_settings(event: Event) -> str | None:
    """Why the fold refuses a valid event, as it decides it."""
    app = _FOLDS.get(event["app_id"])
    if app is None:
        return "app is not listed"
    if event["ts"] >= MAX_TS:
        return "ts lies beyond the year 2100"  # future or invalid, by the record's timestamp
    if event["event"] == CHECK_IN and not app.may_fill(event, app.calendar.local_day(event["ts"])):
        return app.make_up_rule
    return None


def _hides_a_surrogate(value: bytes) -> bool:
    """Whether a lone surrogate, which has no UTF-8, stands in a field that comes again: the oracle sees the last."""

    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        json.dumps(pairs, ensure_ascii=False).encode()
        return dict(pairs)

    try:
        json.loads(value, object_pairs_hook=checked)
    except UnicodeEncodeError:
        return True
    return False
