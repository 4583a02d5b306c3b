"""The Compose deployment: valid, pinned, least privilege, reachable from this machine only, no password in it."""

import re
import subprocess
import sys
from typing import Any

import pytest

from deploy.settings import PREFIX, Settings
from tests.unit.project.compose_file import COMPOSE, OWN_SERVICES, ROOT, services, variables

ALL = sorted(services())
PASSWORDS = {name: f"secret of {name}" for name, required in variables().items() if required}


@pytest.fixture(params=ALL)
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = services(PASSWORDS)[request.param]
    return found


def test_file_follows_the_compose_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_expected_service_is_there() -> None:
    assert ALL == ["clickhouse", "kafka", "migrate", "traffic", "worker"]


def test_image_is_pinned_to_a_release(service: dict[str, Any]) -> None:
    _, _, tag = service["image"].rpartition(":")
    assert re.fullmatch(r"\d+(\.\d+){2,3}", tag), service["image"]


def test_own_image_carries_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert {services()[name]["image"] for name in OWN_SERVICES} == {f"retention:{version[1]}"}


def test_user_is_a_number_and_not_root(service: dict[str, Any]) -> None:
    user, group = (int(part) for part in service["user"].split(":"))
    assert user > 0
    assert group > 0


def test_container_can_gain_nothing_and_write_nowhere_else(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.split(":")[0] == "/tmp" for mount in service["tmpfs"])


def test_configuration_is_mounted_read_only(service: dict[str, Any]) -> None:
    for mount in service.get("volumes", []):
        assert mount.endswith(":ro") or not mount.startswith((".", "/")), mount


def test_mounted_files_exist(service: dict[str, Any]) -> None:
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        assert not source.startswith(".") or (ROOT / source).is_file(), mount


@pytest.mark.parametrize("name", ["kafka", "clickhouse"])
def test_ports_are_bound_to_loopback(name: str) -> None:
    ports = services(PASSWORDS)[name]["ports"]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports), ports


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_own_services_open_no_port(name: str) -> None:
    assert "ports" not in services()[name]


@pytest.mark.parametrize("name", ["kafka", "clickhouse", "worker"])
def test_long_running_service_has_a_healthcheck_without_a_shell(name: str) -> None:
    check = services()[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


def test_nothing_starts_before_the_tables_and_topics_exist() -> None:
    found = services()
    assert found["migrate"]["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "clickhouse": {"condition": "service_healthy"},
    }
    for name in ("worker", "traffic"):
        assert found[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_workers_can_be_scaled_and_have_time_to_flush() -> None:
    worker = services()["worker"]
    assert "container_name" not in worker
    assert worker["deploy"]["replicas"] >= 1
    assert worker["stop_grace_period"] == "60s"
    assert worker["init"] is True


def test_traffic_starts_only_when_asked_for() -> None:
    assert services()["traffic"]["profiles"] == ["traffic"]


def test_passwords_are_required_and_never_written_down() -> None:
    assert {name for name in variables() if "PASSWORD" in name} == set(PASSWORDS)
    for name, found in services().items():
        for key, value in found.get("environment", {}).items():
            assert "PASSWORD" not in key or re.fullmatch(r"\$\{\w+_PASSWORD:\?.+\}", value), (name, key)


@pytest.mark.parametrize("missing", sorted(PASSWORDS))
def test_missing_password_stops_the_deployment(missing: str) -> None:
    others = {name: value for name, value in PASSWORDS.items() if name != missing}
    with pytest.raises(KeyError, match=missing):
        services(others)


def test_each_service_has_an_account_of_its_own() -> None:
    accounts = {name: services()[name]["environment"].get("RETENTION_CLICKHOUSE_USER") for name in OWN_SERVICES}
    assert accounts == {"migrate": "retention_migrate", "worker": "retention_worker", "traffic": None}


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_variables_are_settings(name: str) -> None:
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    assert services()[name]["environment"].keys() <= known


def test_example_environment_names_every_variable() -> None:
    text = (ROOT / "deploy" / "compose.env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z_]+)=$", text, re.MULTILINE)) == set(PASSWORDS)
    assert set(re.findall(r"^#([A-Z_]+)=", text, re.MULTILINE)) == variables().keys() - PASSWORDS.keys()


def test_server_reads_every_password_that_its_accounts_need() -> None:
    accounts = (ROOT / "deploy" / "clickhouse-server" / "users.xml").read_text(encoding="utf-8")
    needed = set(re.findall(r'from_env="(\w+)"', accounts))
    assert needed == {key for key in services()["clickhouse"]["environment"] if "PASSWORD" in key}
    assert "<password>" not in accounts
