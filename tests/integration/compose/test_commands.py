"""Each command of docker-compose.yml runs with the variables that it is given there."""

from collections.abc import Iterator

import pytest

from deploy.cli import COMMANDS
from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.integration.compose.deployment import Deployment, eventually
from tests.unit.project.compose_file import OWN_SERVICES, services

STOPPED = {0, 128 + 15, -15}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Services of its own: a deployment owns its topics and its database."""
    folder = tmp_path_factory.mktemp("deployment")
    with (
        EmbeddedBroker(None, folder / "logs") as broker,
        EmbeddedClickHouse(folder / "clickhouse", None, folder / "logs") as clickhouse,
    ):
        yield Deployment(broker.bootstrap, clickhouse.url, folder)


@pytest.fixture(scope="module")
def migrated(deployment: Deployment) -> Deployment:
    """The deployment after its migrate job, which Compose runs before the others."""
    done = deployment.run("migrate")
    assert done.returncode == 0, done.stderr
    return deployment


@pytest.mark.parametrize("service", OWN_SERVICES)
def test_command_is_one_of_the_command_line(deployment: Deployment, service: str) -> None:
    command = services()[service]["command"]
    assert command[0] in COMMANDS
    assert deployment.run(service, *command, "--help").returncode == 0


def test_migrate_makes_topics_and_views_and_may_run_again(migrated: Deployment) -> None:
    assert migrated.published() == 0
    assert migrated.select("SELECT count() FROM retention.retention_daily") == "0"
    again = migrated.run("migrate")
    assert again.returncode == 0, again.stderr


def test_worker_is_healthy_folds_an_event_and_stops_in_its_grace_period(migrated: Deployment) -> None:
    with migrated.running("worker") as worker:
        migrated.publish("compose-user")
        query = "SELECT count() FROM retention.user_activity WHERE user_id = 'compose-user'"
        eventually(lambda: migrated.select(query) == "1", "a row of user_activity")
        check = services()["worker"]["healthcheck"]["test"]
        assert check[:2] == ["CMD", "retention"]
        healthy = migrated.run("worker", *check[2:])
        assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert worker.returncode in STOPPED


def test_traffic_publishes_until_it_is_stopped(migrated: Deployment) -> None:
    before = migrated.published()
    with migrated.running("traffic") as traffic:
        eventually(lambda: migrated.published() > before + 10, "generated events on the topic")
    assert traffic.returncode in STOPPED


@pytest.mark.parametrize("service", ["migrate", "worker"])
def test_unreachable_clickhouse_is_named_without_the_password(deployment: Deployment, service: str) -> None:
    nowhere = Deployment(deployment.bootstrap, "http://127.0.0.1:1", deployment.folder)
    asked = nowhere.run(service, "query", "SELECT 1")
    assert asked.returncode == 1
    assert "127.0.0.1:1" in asked.stderr
    assert "secret-" not in asked.stderr + asked.stdout
