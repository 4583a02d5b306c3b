"""A topic that was created may be unknown for a moment to the broker that is asked next."""

from typing import Any

import pytest

from deploy import migrating
from deploy.settings import Settings
from deploy.topics import Problem

MISSING = Problem("mp.events", "topic mp.events is missing", missing=True)
WRONG = Problem("mp.events", "topic mp.events has 3 partitions")


@pytest.mark.parametrize(
    ("answers", "left", "asked"),
    [
        ([[]], [], 1),
        ([[MISSING, WRONG], [MISSING], []], [], 3),
        ([[MISSING], [WRONG]], [WRONG], 2),
        ([[MISSING]] * 10, [MISSING], 5),
    ],
)
def test_a_missing_topic_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch, answers: list[list[Problem]], left: list[Problem], asked: int
) -> None:
    now, looks = 0.0, iter(answers)
    asks = 0

    def problems(_admin: Any, _settings: Settings) -> list[Problem]:
        nonlocal asks
        asks += 1
        return next(looks)

    def sleep(_seconds: float) -> None:
        nonlocal now
        now += migrating._KNOWN_WITHIN_S / 3.5

    monkeypatch.setattr(migrating, "problems", problems)
    monkeypatch.setattr("deploy.migrating.time.sleep", sleep)
    monkeypatch.setattr("deploy.migrating.time.monotonic", lambda: now)
    assert (migrating._problems_when_known(None, Settings()), asks) == (left, asked)
