"""The Kafka topics of a deployment: create them, and compare them with what exact results need."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from deploy.settings import PREFIX, Settings
from schemas.errors import Terminal
from schemas.topics import DEAD, INPUTS, TOPICS, TopicSpec, changelog

__all__ = ["Problem", "create_missing", "problems", "required_topics"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a topic, and the way out."""

    topic: str
    text: str
    missing: bool = False


def required_topics(settings: Settings) -> tuple[TopicSpec, ...]:
    """Every topic of the deployment, the changelog of its epoch included."""
    return (*TOPICS, changelog(settings.app_id))


def create_missing(admin: Any, settings: Settings) -> list[str]:
    """Create the topics that do not exist; returns their names. Safe to run twice and at the same time elsewhere.

    Raises:
        Terminal: the cluster refuses a topic.
    """
    present = set(admin.list_topics())
    created = []
    for spec in required_topics(settings):
        if spec.name in present:
            continue
        wanted = {
            "num_partitions": settings.partitions,
            "replication_factor": settings.replication,
            "configs": dict(spec.config),
        }
        try:
            admin.create_topics({spec.name: wanted}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            continue
        except KafkaError as error:
            raise Terminal(
                f"Kafka refuses to create topic {spec.name} with {settings.partitions} partitions × "
                f"{settings.replication} replicas ({type(error).__name__}): check {PREFIX}REPLICATION against the "
                "number of brokers, and the right to create topics"
            ) from error
        created.append(spec.name)
    return created


def problems(admin: Any, settings: Settings) -> list[Problem]:
    """How the topics that exist, or do not, differ from what exact results need; empty when all is well."""
    specs = required_topics(settings)
    described = {topic["name"]: topic for topic in admin.describe_topics([spec.name for spec in specs])}
    found = []
    existing = []
    for spec in specs:
        count = len(described.get(spec.name, {}).get("partitions") or ())
        if count == 0:
            found.append(Problem(spec.name, f"topic {spec.name} is missing: run 'retention migrate'", missing=True))
            continue
        existing.append(spec)
        if count != settings.partitions and _is_co_partitioned(spec, settings):
            found.append(Problem(spec.name, _partition_text(spec, count, settings)))
    configs = _configs(admin, existing)
    for spec in existing:
        found += [Problem(spec.name, text) for text in _config_texts(spec, configs.get(spec.name, {}))]
    return found


def _is_co_partitioned(spec: TopicSpec, settings: Settings) -> bool:
    # A dead letter goes to the partition number of its message.
    return spec in INPUTS or spec in (DEAD, changelog(settings.app_id))


def _partition_text(spec: TopicSpec, count: int, settings: Settings) -> str:
    return (
        f"topic {spec.name} has {count} partitions but {PREFIX}PARTITIONS is {settings.partitions}: set "
        f"{PREFIX}PARTITIONS={count}; to change the number, give every input topic the new one and compute from the "
        f"start in a new epoch, {PREFIX}EPOCH={settings.epoch + 1}"
    )


def _configs(admin: Any, specs: Iterable[TopicSpec]) -> Mapping[str, Mapping[str, str]]:
    """Per topic what the broker says of its configuration; a broker may say nothing."""
    configs: dict[str, dict[str, str]] = {}
    for spec in specs:
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, spec.name)], config_filter="all")
        for name, entries in answer.get("topic", {}).items():
            configs[name] = {key: entry["value"] for key, entry in entries.items()}
    return configs


def _config_texts(spec: TopicSpec, actual: Mapping[str, str]) -> Iterator[str]:
    """Only what would lose state or events; how long a topic is retained is the operator's choice."""
    for key, wanted in spec.config.items():
        value = actual.get(key)
        if value is None or value == wanted:
            continue
        if key == "max.message.bytes" and int(value) >= int(wanted):
            continue
        if key in {"cleanup.policy", "max.message.bytes"}:
            yield (
                f"topic {spec.name} has {key}={value} but needs {wanted}: kafka-configs.sh --alter --entity-type "
                f"topics --entity-name {spec.name} --add-config {key}={wanted}"
            )
