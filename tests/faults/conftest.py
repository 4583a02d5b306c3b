"""A pipeline for each test, on the chosen broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.e2e.pipeline import Pipeline, new_pipeline
from tests.oracle.dataset import CATALOG


@pytest.fixture
def pipeline(clickhouse: EmbeddedClickHouse, database: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A migrated pipeline on an empty broker, for the apps of the hostile data; no worker runs yet."""
    with new_pipeline(clickhouse.url, database, tmp_path, CATALOG) as made:
        yield made
