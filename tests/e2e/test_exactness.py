"""Every published cell equals brute force over the raw events."""

from tests.e2e.pipeline import PARTITIONS, Pipeline
from tests.oracle.dataset import Size, generate


def test_tables_equal_brute_force_over_hostile_data(pipeline: Pipeline) -> None:
    pipeline.publish(generate(seed=1, size=Size(users=40)).messages(PARTITIONS))
    pipeline.start_worker()
    pipeline.wait_until_folded()
    pipeline.assert_exact()
