"""What operators do between workers: to their consumer group and to their changelog."""

from typing import Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, MemberToRemove

from deploy.settings import Settings
from schemas.topics import changelog
from tests.kafka.broker import is_apache

__all__ = ["bury_the_dead", "keep_all_records"]

_A_DAY_MS: Final = 24 * 60 * 60 * 1000


def bury_the_dead(settings: Settings) -> None:
    """Take all members out of the group, so that the next worker need not wait until the session of a dead one ends.

    For use when no worker runs. On the embedded broker, which cannot do it, the next worker waits.
    """
    if not is_apache():
        return
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    try:
        members = admin.describe_groups([settings.app_id])[settings.app_id]["members"]
        if members:
            admin.remove_group_members(settings.app_id, [MemberToRemove(one["member_id"]) for one in members])
    finally:
        admin.close()


def keep_all_records(settings: Settings) -> None:
    """Let the changelog be compacted no more.

    Of a key's records compaction keeps the last, recovery the one that is further: a known limit, when the last is that
    of a worker that was replaced. The embedded broker compacts nothing.
    """
    if not is_apache():
        return
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    lag = {"min.compaction.lag.ms": str(_A_DAY_MS)}
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, changelog(settings.app_id).name, lag)])
    finally:
        admin.close()
