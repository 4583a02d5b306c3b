"""Which failures pass by themselves, and what mends those that do not."""

import ssl

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError

from schemas.errors import Terminal, Transient
from sinks.client import translate

URL = "http://ch:8123"


def server_error(code: int, text: str = "Code: 1. DB::Exception: no. (NAME)") -> DatabaseError:
    return DatabaseError(f"Received ClickHouse exception, code: {code}, server response: {text}", code=code)


@pytest.mark.parametrize("code", [159, 202, 203, 209, 210, 241, 242, 243, 252, 285, 319, 745, 999])
def test_a_server_out_of_a_resource_is_transient(code: int) -> None:
    assert isinstance(translate(server_error(code), URL), Transient)


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        (516, "RETENTION_CLICKHOUSE_PASSWORD"),
        (192, "RETENTION_CLICKHOUSE_USER"),
        (497, "grant"),
        (60, "retention migrate"),
        (81, "retention migrate"),
        (16, "same version"),
        (53, "same version"),
    ],
)
def test_a_refusal_is_terminal_and_names_the_way_out(code: int, way_out: str) -> None:
    found = translate(server_error(code), URL)
    assert isinstance(found, Terminal)
    assert way_out in str(found)


def test_an_unknown_code_is_terminal_with_the_servers_words() -> None:
    found = translate(server_error(9999, "Code: 9999. DB::Exception: The moon is full. (MOON)\nstack"), URL)
    assert isinstance(found, Terminal)
    assert str(found) == "ClickHouse at http://ch:8123: Code: 9999. DB::Exception: The moon is full. (MOON)"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_proxy_that_is_busy_is_transient(status: int) -> None:
    kind = OperationalError if status in (429, 503, 504) else DatabaseError
    assert isinstance(translate(kind(f"HTTP driver received HTTP status {status}"), URL), Transient)


@pytest.mark.parametrize(("status", "way_out"), [(401, "PASSWORD"), (403, "PASSWORD"), (404, "CLICKHOUSE_URL")])
def test_a_proxy_that_refuses_is_terminal(status: int, way_out: str) -> None:
    found = translate(DatabaseError(f"HTTP driver received HTTP status {status}"), URL)
    assert isinstance(found, Terminal)
    assert way_out in str(found)


def test_a_known_code_counts_for_more_than_the_status() -> None:
    found = translate(OperationalError("HTTP driver received HTTP status 503", code=516), URL)
    assert isinstance(found, Terminal)


def test_a_broken_connection_is_transient_and_says_why() -> None:
    error = OperationalError("Error executing HTTP request")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    found = translate(error, URL)
    assert isinstance(found, Transient)
    assert str(found) == "ClickHouse at http://ch:8123: Connection refused"


def test_a_timeout_is_transient_and_says_so() -> None:
    error = OperationalError("Error executing HTTP request")
    error.__cause__ = TimeoutError("timed out")
    assert str(translate(error, URL)) == "ClickHouse at http://ch:8123: no answer in time"


def test_a_certificate_that_is_not_trusted_is_terminal() -> None:
    error = OperationalError("Error executing HTTP request")
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    found = translate(error, URL)
    assert isinstance(found, Terminal)
    assert "certificate" in str(found)


def test_a_value_that_cannot_be_encoded_is_terminal() -> None:
    assert isinstance(translate(DataError("Failed to write column 'start'"), URL), Terminal)
