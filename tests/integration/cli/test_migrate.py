import pytest

from deploy.cli import run
from deploy.clickhouse import rows
from deploy.settings import Settings
from tests.integration.cli.conftest import NOWHERE
from tests.integration.cli.kafka import config, create_topic, topics

CHANGELOG = "retention-v1-users-changelog"
ALL = {"mp.events", "mp.events.rekeyed", "mp.events.dead", "mp.signals", CHANGELOG}


def test_topics_and_tables_are_there_afterwards(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["migrate"]) == 0
    assert topics(settings.kafka_bootstrap) == dict.fromkeys(ALL, 4)
    assert config(settings.kafka_bootstrap, CHANGELOG)["cleanup.policy"] == "compact"
    events = config(settings.kafka_bootstrap, "mp.events")
    assert events["cleanup.policy"] == "delete"
    assert int(events["max.message.bytes"]) >= 10_000_000
    assert rows(settings, "SELECT count() FROM retention_daily") == [[0]]
    assert "views show epoch 1" in capsys.readouterr().err


def test_migrating_again_changes_nothing(migrated: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(migrated, "SELECT name, checksum, applied_at FROM schema_migrations FINAL ORDER BY name")
    assert run(["migrate"]) == 0
    assert capsys.readouterr().err.count("all there") == 2
    assert rows(migrated, "SELECT name, checksum, applied_at FROM schema_migrations FINAL ORDER BY name") == before


def test_a_wrong_number_of_partitions_is_refused_before_anything_is_made(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    create_topic(settings.kafka_bootstrap, "mp.events", 3)
    assert run(["migrate"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "mp.events has 3 partitions but RETENTION_PARTITIONS is 4" in error
    assert "RETENTION_PARTITIONS=3" in error
    assert "RETENTION_EPOCH=2" in error
    assert topics(settings.kafka_bootstrap) == {"mp.events": 3}


def test_a_configuration_that_loses_state_is_refused_with_the_command_that_mends_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    create_topic(settings.kafka_bootstrap, CHANGELOG, 4, {"cleanup.policy": "delete"})
    assert run(["migrate"]) == 1
    assert f"{CHANGELOG} --add-config cleanup.policy=compact" in capsys.readouterr().err


def test_a_longer_retention_is_the_operators_choice(settings: Settings) -> None:
    kept = {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": "33554432"}
    create_topic(settings.kafka_bootstrap, "mp.events", 4, kept)
    assert run(["migrate"]) == 0
    assert config(settings.kafka_bootstrap, "mp.events")["retention.ms"] == "-1"


def test_views_change_over_to_a_new_epoch_when_asked(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETENTION_EPOCH", "2")
    assert run(["migrate"]) == 0
    assert "views show epoch 1; RETENTION_EPOCH is 2" in capsys.readouterr().err
    assert run(["migrate", "--switch-epoch"]) == 0
    assert rows(migrated, "SELECT epoch FROM internal_epoch") == [[2]]
    assert "retention-v2-users-changelog" in topics(migrated.kafka_bootstrap)


def test_views_do_not_change_over_to_an_epoch_that_has_not_caught_up(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["traffic", "--no-live", "--days", "3", "--users", "20"]) == 0
    monkeypatch.setenv("RETENTION_EPOCH", "2")
    assert run(["migrate", "--switch-epoch"]) == 1
    assert "messages to fold yet" in capsys.readouterr().err
    assert rows(migrated, "SELECT epoch FROM internal_epoch") == [[1]]
    assert run(["migrate", "--switch-epoch", "--force"]) == 0
    assert rows(migrated, "SELECT epoch FROM internal_epoch") == [[2]]


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("variable", "value", "service"),
    [
        ("KAFKA_BOOTSTRAP", NOWHERE, "Kafka at 127.0.0.1:9"),
        ("CLICKHOUSE_URL", f"http://{NOWHERE}", "ClickHouse at http"),
    ],
)
def test_a_service_that_is_away_is_one_line(
    variable: str,
    value: str,
    service: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(f"RETENTION_{variable}", value)
    assert run(["migrate"]) == 1
    error = capsys.readouterr().err
    assert service in error
    assert error.count("\n") == 1
