import pytest

from deploy.cli import run
from deploy.settings import Settings
from tests.integration.cli.conftest import NOWHERE


def test_a_new_deployment_is_healthy(migrated: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert not [line for line in lines if line.startswith("✗")]
    for text in (
        "Python 3.",
        f"Kafka answers at {migrated.kafka_bootstrap}",
        "5 topics with 4 partitions",
        f"answers at {migrated.clickhouse_url}",
        "migrations, all applied",
        "views show epoch 1",
        "everything is folded",
    ):
        assert [line for line in lines if line.startswith("✓") and text in line], text


@pytest.mark.usefixtures("settings")
def test_before_migrating_it_says_what_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert any("topic mp.events is missing: run 'retention migrate'" in line for line in failed)
    assert any("schema_migrations" in line and "'retention migrate'" in line for line in failed)


@pytest.mark.usefixtures("migrated")
def test_a_worker_that_does_not_run_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["traffic", "--no-live", "--days", "3", "--users", "20"]) == 0
    assert run(["doctor"]) == 1
    [failed] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert "messages wait and none is folded: start 'retention worker' with RETENTION_EPOCH=1" in failed


def test_services_that_are_away_are_each_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETENTION_KAFKA_BOOTSTRAP", NOWHERE)
    monkeypatch.setenv("RETENTION_CLICKHOUSE_URL", f"http://{NOWHERE}")
    assert run(["doctor"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert len(failed) == 2
    assert "RETENTION_KAFKA_BOOTSTRAP" in failed[0]
    assert "RETENTION_CLICKHOUSE_URL" in failed[1]


def test_a_wrong_setting_is_a_failed_check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RETENTION_PARTITIONS", "many")
    assert run(["doctor"]) == 1
    assert "✗ RETENTION_PARTITIONS='many' is wrong" in capsys.readouterr().out


@pytest.mark.usefixtures("migrated")
def test_a_misspelt_variable_is_a_failed_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETENTION_PARTITION", "4")
    assert run(["doctor"]) == 1
    assert "✗ RETENTION_PARTITION is no setting" in capsys.readouterr().out
