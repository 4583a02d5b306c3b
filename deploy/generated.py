"""Publishing generated traffic: a history at full speed, then live events as their time comes."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from deploy.publisher import Publisher
from deploy.settings import Settings
from deploy.traffic import DEFAULT_APP_ID, Message
from schemas.topics import EVENTS

__all__ = ["app_of", "publish_history", "publish_live"]

_REPORT_EVERY: Final = 1_000
#: Live messages are handed on together, this many seconds apart at least.
_BEAT_S: Final = 0.1


def app_of(settings: Settings) -> str:
    """The app that generated events carry: one that is served."""
    return next(iter(settings.apps.listed), DEFAULT_APP_ID)


async def publish_history(settings: Settings, messages: Iterable[Message], report: Callable[[int], None]) -> Publisher:
    """Publish ``messages`` with their own Kafka timestamps; ``report`` hears how many more were taken, now and then."""
    async with Publisher(settings, EVENTS.name) as publisher:
        for number, message in enumerate(messages, 1):
            await publisher.publish(message.key, message.value, message.timestamp_ms)
            if number % _REPORT_EVERY == 0:
                report(_REPORT_EVERY)
    report(publisher.published % _REPORT_EVERY)
    return publisher


async def publish_live(settings: Settings, messages: Iterable[Message], check: Callable[[], None]) -> None:
    """Publish each message when the clock reaches its timestamp; ends with the messages.

    ``check`` is called between them, several times a second, and may raise.
    """
    async with Publisher(settings, EVENTS.name) as publisher:
        for message in messages:
            while (wait := message.timestamp_ms / 1000 - time.time()) > 0:
                await publisher.flush()
                check()
                await asyncio.sleep(min(max(wait, _BEAT_S), 1.0))
            await publisher.publish(message.key, message.value, message.timestamp_ms)
