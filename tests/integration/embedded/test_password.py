"""With RETENTION_EMBEDDED_PASSWORD set, every way in which a client may bring the password."""

from base64 import b64encode
from collections.abc import Iterator

import clickhouse_connect
import pytest

from deploy.embedded.clickhouse import EmbeddedClickHouse
from tests.integration.embedded.web import Web

PASSWORD = "pa:ss wörd"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETENTION_EMBEDDED_PASSWORD", PASSWORD)
        with EmbeddedClickHouse(tmp_path_factory.mktemp("locked")) as server:
            yield Web(server, "default")


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"anyone:{password}".encode()).decode()}


def test_no_password_is_asked_for(locked: Web) -> None:
    answer = locked.get("SELECT 1")
    assert (answer.status, answer.code) == (401, 194)
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "headers",
    [
        basic("wrong"),
        basic(""),
        {"Authorization": "Basic ###"},
        {"X-ClickHouse-Key": "wrong"},
        {"Authorization": "Bearer x"},
    ],
)
def test_a_wrong_password_is_refused(locked: Web, headers: dict[str, str]) -> None:
    answer = locked.post("SELECT 1", headers)
    assert (answer.status, answer.code) == (403, 516)
    assert PASSWORD.encode() not in answer.body


def test_the_password_opens_by_every_way(locked: Web) -> None:
    assert locked.post("SELECT 1", basic(PASSWORD)).status == 200
    assert locked.get("SELECT 1", user="anyone", password=PASSWORD).status == 200
    client = clickhouse_connect.get_client(
        host=locked.server.host, port=locked.server.port, username="anyone", password=PASSWORD
    )
    assert client.query("SELECT 1").first_row == (1,)
    client.close()


def test_health_needs_no_password_and_the_log_holds_none(locked: Web) -> None:
    assert locked.send("GET", "/ping").status == 200
    assert PASSWORD not in locked.server.log_file.read_text()
