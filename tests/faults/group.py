"""The consumer group of the workers."""

from kafka.admin import KafkaAdminClient, MemberToRemove

from deploy.settings import Settings
from tests.kafka.broker import is_apache

__all__ = ["bury_the_dead"]


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
