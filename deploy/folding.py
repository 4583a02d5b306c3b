"""Waiting until a worker has folded everything that was published."""

import time
from collections.abc import Callable
from typing import Final

from deploy.cluster import end_offsets
from deploy.progress import PartitionProgress, behind, read_progress
from deploy.settings import Settings
from schemas.topics import INPUTS

__all__ = ["wait_until_folded"]

_POLL_S: Final = 0.3


def wait_until_folded(
    settings: Settings, check: Callable[[], None], report: Callable[[int, int], None]
) -> dict[tuple[str, int], PartitionProgress]:
    """Return the progress of the configured epoch once nothing that was published before waits any more.

    Args:
        settings: where the services are, and the epoch.
        check: called at every look; may raise when waiting has become pointless.
        report: hears how many messages were read, and how many there are.
    """
    topics = [topic.name for topic in INPUTS]
    ends = end_offsets(settings, topics)
    while True:
        check()
        progress = read_progress(settings)
        waiting = behind(progress, ends)
        if not waiting:
            # What was forwarded meanwhile must be seen too: the ends count only when read after the progress.
            ends = end_offsets(settings, topics)
            waiting = behind(progress, ends)
        total = sum(ends.values())
        report(total - waiting, total)
        if not waiting:
            return progress
        time.sleep(_POLL_S)
