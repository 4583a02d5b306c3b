from collections.abc import Sequence

import pytest

from deploy.traffic import History, Message
from tests.unit.traffic.brute import Life

SEED = 7
END_MS = 1_790_000_000_000  # 2026-09-21 22:13:20 in Shanghai


@pytest.fixture(scope="session")
def small() -> History:
    return History(SEED, days=20, users=1_500, end_ms=END_MS)


@pytest.fixture(scope="session")
def small_messages(small: History) -> Sequence[Message]:
    return tuple(small)


@pytest.fixture(scope="session")
def default() -> History:
    return History(SEED, end_ms=END_MS)


@pytest.fixture(scope="session")
def default_life(default: History) -> Life:
    """The default history, counted while it streams by: it is too long to be kept."""
    return Life(default)
