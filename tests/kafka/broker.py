"""The broker that end-to-end tests run on: RETENTION_TEST_BROKER is ``embedded``, the default, or ``apache``."""

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from deploy.embedded.broker import EmbeddedBroker
from schemas.errors import Terminal
from tests.kafka.cluster import ApacheKafka
from tests.ports import reserve_port

__all__ = ["empty_broker", "is_apache"]

_VARIABLE: Final = "RETENTION_TEST_BROKER"


def is_apache() -> bool:
    """Whether Apache Kafka was chosen. Raises Terminal when the choice is neither."""
    chosen = os.environ.get(_VARIABLE, "embedded")
    if chosen not in ("embedded", "apache"):
        raise Terminal(f"{_VARIABLE}={chosen} is neither embedded nor apache")
    return chosen == "apache"


@contextmanager
def empty_broker(log_dir: Path) -> Iterator[str]:
    """The address of a broker without topics; one user at a time.

    The embedded broker is new each time; Apache Kafka, which takes seconds to start, is cleared instead.
    """
    if is_apache():
        kafka = _apache_kafka()
        kafka.clear()
        yield kafka.bootstrap
    else:
        with EmbeddedBroker(reserve_port(), log_dir) as broker:
            yield broker.bootstrap


@cache
def _apache_kafka() -> ApacheKafka:
    """One node for all tests of this process, ended with it."""
    folder = TemporaryDirectory(prefix="retention-kafka-")
    # Registered after the folder's own removal, so that Kafka ends before its data go.
    ending = ExitStack()
    atexit.register(ending.close)
    return ending.enter_context(ApacheKafka(Path(ending.enter_context(folder))))
