import json
from pathlib import Path

import pytest

from deploy.settings import (
    Settings,
    SettingsError,
    load_settings,
    settings_environment,
    settings_table,
    stream_settings,
    unknown_variables,
)
from schemas.apps import AppCatalog


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RETENTION_{name.upper()}", raising=False)


def test_without_variables_everything_is_on_this_machine() -> None:
    settings = load_settings()
    assert settings.kafka_bootstrap == "127.0.0.1:9092"
    assert settings.clickhouse_url == "http://127.0.0.1:8123"
    assert settings.clickhouse_database == "retention"
    assert settings.app_id == "retention-v1"
    assert settings.apps == AppCatalog()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARTITIONS", "many"),
        ("PARTITIONS", "0"),
        ("EPOCH", "1.5"),
        ("KAFKA_BOOTSTRAP", "localhost"),
        ("KAFKA_BOOTSTRAP", "a:1,b:99999"),
        ("CLICKHOUSE_URL", "ftp://127.0.0.1"),
        ("CLICKHOUSE_URL", "http://127.0.0.1:port"),
        ("CLICKHOUSE_URL", "http://127.0.0.1/retention"),
        ("CLICKHOUSE_DATABASE", "two words"),
        ("WORKER_ID", "a/b"),
        ("APPS", '{"listed":'),
        ("APPS", "@/nowhere/apps.json"),
        ("FLUSH_INTERVAL_S", "soon"),
        ("SESSION_TIMEOUT_S", "1"),
        ("MAX_EVENT_BYTES", "1000000000"),
        ("LOG_LEVEL", "LOUD"),
        ("WEB_PORT", "-1"),
    ],
)
def test_a_wrong_value_is_one_line_with_the_variable_the_value_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"RETENTION_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"RETENTION_{name}={value!r} is wrong")
    assert "orrect it, or unset it" in message
    assert "\n" not in message


def test_a_wrong_app_is_named_by_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_APPS", json.dumps({"listed": {"wx1": {"time_zone": "Asia/Atlantis"}}}))
    with pytest.raises(SettingsError, match=r"in listed\.wx1\.time_zone.*Asia/Atlantis.*IANA"):
        load_settings()


def test_several_wrong_values_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_PARTITIONS", "x")
    monkeypatch.setenv("RETENTION_EPOCH", "y")
    with pytest.raises(SettingsError, match=r"\(1 more wrong after it\)"):
        load_settings()


def test_a_password_in_the_address_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_CLICKHOUSE_URL", "http://user:hunter2@db:8123")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    assert "RETENTION_CLICKHOUSE_PASSWORD" in str(caught.value)


def test_the_password_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_CLICKHOUSE_PASSWORD", "hunter2")
    settings = load_settings()
    assert settings.clickhouse_password.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_apps_come_from_json_or_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = json.dumps({"listed": {"wx1": {"time_zone": "Europe/Berlin"}}})
    monkeypatch.setenv("RETENTION_APPS", text)
    inline = load_settings().apps
    (tmp_path / "apps.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("RETENTION_APPS", f"@{tmp_path / 'apps.json'}")
    assert load_settings().apps == inline
    app = inline.get("wx1")
    assert app is not None
    assert app.time_zone == "Europe/Berlin"
    assert inline.get("wx2") is None


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_APPS", "")
    monkeypatch.setenv("RETENTION_PARTITIONS", "")
    assert load_settings() == Settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().epoch = 2  # type: ignore[misc]  # what the test is about


def test_another_process_reads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = load_settings(
        kafka_bootstrap="k1:9092,k2:9092",
        partitions=7,
        clickhouse_password="hunter2",
        apps={"listed": {"微信": {"qualifying": ["check_in", "app_open"], "milestones": [2, 5]}}},
        flush_interval_s=0.25,
    )
    for name, value in settings_environment(given).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == given


def test_the_stream_gets_its_part() -> None:
    stream = stream_settings(load_settings(worker_id="w", epoch=3, partitions=9))
    assert (stream.app_id, stream.epoch, stream.partitions) == ("w-v3", 3, 9)


def test_the_table_describes_every_variable() -> None:
    rows = settings_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [f"RETENTION_{name.upper()}" for name in Settings.model_fields]
    assert all(len(row.split("|")) == 5 and row.split("|")[3].strip() for row in rows)


def test_a_misspelt_variable_is_found() -> None:
    environment = {
        "RETENTION_PARTITION": "8",
        "RETENTION_SERVICE_HOST": "10.0.0.1",
        "RETENTION_EPOCH": "1",
        "HOME": "/",
    }
    assert unknown_variables(environment) == {"RETENTION_PARTITION": "RETENTION_PARTITIONS"}
