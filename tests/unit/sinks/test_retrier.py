"""Trying again until it works: what callers, logs and the readiness page see of it."""

import asyncio
import logging

import pytest

from schemas.errors import Terminal, Transient
from sinks.retry import Backoff, Retrier

NO_PAUSE = Backoff(first=0.0, cap=0.0)


class Service:
    """Fails with these errors, one per attempt, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0

    async def __call__(self) -> str:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return "stored"


def away(count: int) -> list[Transient]:
    return [Transient(f"refused {number}") for number in range(count)]


async def test_transient_failures_are_tried_again_until_success() -> None:
    service = Service(*away(50))
    assert await Retrier("service", NO_PAUSE).run(service) == "stored"
    assert service.attempts == 51


@pytest.mark.parametrize("error", [Terminal("unknown table"), RuntimeError("a bug"), MemoryError()])
async def test_any_other_error_passes_through_at_once(error: Exception) -> None:
    service = Service(*away(1), error)
    with pytest.raises(type(error)):
        await Retrier("service", NO_PAUSE).run(service)
    assert service.attempts == 2


async def test_an_outage_is_logged_once_each_way(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    retrier = Retrier("service", NO_PAUSE)
    await asyncio.gather(*(retrier.run(Service(*away(20))) for _ in range(5)))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "refused 0" in caplog.messages[0]
    assert "service is back" in caplog.messages[1]


async def test_a_service_that_never_failed_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await Retrier("service", NO_PAUSE).run(Service())
    assert caplog.records == []


async def test_the_second_outage_is_logged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    retrier = Retrier("service", NO_PAUSE)
    for _ in range(2):
        await retrier.run(Service(*away(1)))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2


async def test_a_service_is_not_available_before_its_first_answer() -> None:
    retrier = Retrier("service", NO_PAUSE)
    assert not retrier.state.available
    await retrier.run(Service())
    assert retrier.state.available


async def test_the_state_tells_the_latest_reason_and_the_beginning_of_an_outage() -> None:
    retrier = Retrier("service", Backoff(first=0.001, cap=0.001))
    service = Service(*away(3))
    seen = []

    async def attempt() -> str:
        seen.append(retrier.state)
        return await service()

    await retrier.run(attempt)
    assert [state.reason for state in seen[1:]] == ["refused 0", "refused 1", "refused 2"]
    assert len({state.since for state in seen[1:]}) == 1
    assert retrier.state.since >= seen[1].since


async def test_one_caller_that_succeeds_does_not_hide_another_that_waits() -> None:
    retrier = Retrier("service", Backoff(first=60.0, cap=60.0))
    waiting = asyncio.create_task(retrier.run(Service(*away(1))))
    await asyncio.sleep(0)
    await retrier.run(Service())
    assert not retrier.state.available
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await retrier.run(Service())
    assert retrier.state.available


async def test_a_caller_that_waits_can_be_cancelled() -> None:
    waiting = asyncio.create_task(Retrier("service", Backoff(first=60.0, cap=60.0)).run(Service(*away(1))))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
