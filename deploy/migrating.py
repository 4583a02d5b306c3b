"""Bringing a deployment's topics and database to this version of the code."""

import time
from dataclasses import dataclass
from typing import Any, Final

from deploy.cluster import kafka_admin
from deploy.connection import clickhouse_client
from deploy.settings import PREFIX, Settings
from deploy.topics import Problem, create_missing, problems
from schemas.errors import Terminal

__all__ = ["Outcome", "migrate_all", "require_topics", "switch"]

#: A broker that did not create a topic itself learns of it a moment later.
_KNOWN_WITHIN_S: Final = 30.0
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a migration did: topics and migrations that are new, and the epoch that the views show now."""

    created: tuple[str, ...]
    applied: tuple[str, ...]
    views: int
    epoch: int


def migrate_all(settings: Settings) -> Outcome:
    """Create the missing topics, then tables and views. Safe to run again, and from several places at once.

    Raises:
        Terminal: a topic that exists cannot be used as it is, or the database is not this version's.
        Transient: Kafka or ClickHouse does not answer.
    """
    from sinks.migrate import migrate

    with kafka_admin(settings) as admin:
        # Before anything is created: a topic that cannot be used must not leave a half of the others behind.
        _refuse([problem for problem in problems(admin, settings) if not problem.missing])
        created = create_missing(admin, settings)
        _refuse(_problems_when_known(admin, settings))
    with clickhouse_client(settings) as client:
        migrated = migrate(client, settings.epoch)
    return Outcome(tuple(created), migrated.applied, len(migrated.views), migrated.epoch)


def require_topics(settings: Settings) -> None:
    """Make sure that a worker finds its topics as it needs them: it would create what is missing, but wrongly.

    Raises:
        Terminal: a topic is missing or cannot be used as it is.
        Transient: Kafka does not answer.
    """
    with kafka_admin(settings) as admin:
        _refuse(problems(admin, settings))


def switch(settings: Settings, *, force: bool) -> None:
    """Let all views show the configured epoch.

    Raises:
        Terminal: that epoch has not folded everything yet, and ``force`` is not set.
    """
    from deploy.cluster import end_offsets
    from deploy.progress import behind, read_progress
    from schemas.topics import INPUTS
    from sinks.migrate import switch_epoch

    if not force:
        waiting = behind(read_progress(settings), end_offsets(settings, [topic.name for topic in INPUTS]))
        if waiting:
            raise Terminal(
                f"epoch {settings.epoch} has {waiting} messages to fold yet: switch when its worker "
                f"({PREFIX}EPOCH={settings.epoch} retention worker) has caught up, or now with --force"
            )
    with clickhouse_client(settings) as client:
        switch_epoch(client, settings.epoch)


def _problems_when_known(admin: Any, settings: Settings) -> list[Problem]:
    """The problems that are left when the broker that is asked knows every topic, or should."""
    deadline = time.monotonic() + _KNOWN_WITHIN_S
    while True:
        found = problems(admin, settings)
        if not any(problem.missing for problem in found) or time.monotonic() > deadline:
            return found
        time.sleep(_LOOK_S)


def _refuse(found: list[Problem]) -> None:
    if found:
        more = f" ({len(found) - 1} more topics need a change)" if len(found) > 1 else ""
        raise Terminal(f"{found[0].text}{more}")
