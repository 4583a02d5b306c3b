"""The documented metrics are those that a worker serves."""

from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import OUTCOMES, STAGES, Metrics
from tests.unit.project.documents import tables

SUFFIX = {"counter": "_total"}


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    served = {
        family.name + SUFFIX.get(family.type, ""): (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in text_string_to_metric_families(Metrics().page(ready=True).decode())
        if family.name.startswith("retention_") and not family.name.endswith("_created")
    }
    documented = {}
    for names, kind, _ in tables("docs/operations.md", "Metrics")[:-1]:
        type_, *labels = (part.strip(" `") for part in kind.split(","))
        documented[names.strip("`")] = (type_, set(labels))
    assert documented == served


def test_every_outcome_and_stage_is_documented() -> None:
    meanings = {names.strip("`"): meaning for names, _, meaning in tables("docs/operations.md", "Metrics")}
    assert all(f"`{outcome}`" in meanings["retention_messages_total"] for outcome in OUTCOMES)
    assert all(f"`{stage}`" in meanings["retention_flush_seconds"] for stage in ("build", *STAGES))
