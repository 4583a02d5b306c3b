"""What broker and ClickHouse share: ports, and that a killed parent leaves neither."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.embedded.ports import choose_port, is_taken, listens
from deploy.embedded.service import EmbeddedService
from schemas.errors import Terminal
from tests.integration.embedded.test_process import alive, wait_for


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        yield port


def test_a_free_port_is_used_and_a_taken_one_is_not(taken: int) -> None:
    free = choose_port(None)
    assert choose_port(free) == free
    assert choose_port(taken) != taken


def test_a_port_that_was_asked_for_and_is_taken_is_refused_in_one_line(taken: int) -> None:
    with pytest.raises(Terminal) as refusal:
        choose_port(taken, explicit=True, flag="--kafka-port")
    assert str(refusal.value) == f"port {taken} is taken: stop what listens there, or choose another with --kafka-port"


def test_a_listener_on_all_addresses_takes_the_port_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        assert is_taken(listener.getsockname()[1])


def test_who_listens_is_told_apart(taken: int) -> None:
    assert listens(os.getpid(), taken)
    assert not listens(os.getppid(), taken)
    assert not listens(os.getpid(), choose_port(None))


@pytest.mark.parametrize("service", [EmbeddedBroker, EmbeddedClickHouse])
def test_a_service_whose_port_is_taken_goes_elsewhere_or_says_which_flag_helps(
    service: type[EmbeddedService], taken: int, tmp_path: Path
) -> None:
    with service(taken, tmp_path) if service is EmbeddedBroker else EmbeddedClickHouse(tmp_path, taken) as running:
        assert running.port != taken
        assert listens(running.pid, running.port)
    refused = service(taken, tmp_path, explicit=True) if service is EmbeddedBroker else None
    with pytest.raises(Terminal, match=f"port {taken} is taken: .* with {service.flag}"):
        (refused or EmbeddedClickHouse(tmp_path, taken, explicit=True)).start()


def test_a_port_taken_between_the_look_and_the_start_is_noticed(
    taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([taken])
    monkeypatch.setattr(
        "deploy.embedded.service.choose_port", lambda *given, **rest: next(looks, None) or choose_port(None)
    )
    for number, service in enumerate([EmbeddedBroker(None, tmp_path), EmbeddedClickHouse(tmp_path / "data")]):
        looks = iter([taken])
        with service as running:
            assert running.port != taken, number


PARENT = """
import sys, time
from pathlib import Path
from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse

home = Path(sys.argv[1])
with EmbeddedBroker(None, home) as broker, EmbeddedClickHouse(home / "data") as clickhouse:
    print(broker.pid, clickhouse.pid, flush=True)
    time.sleep(600)
"""


def test_a_killed_parent_leaves_neither_broker_nor_clickhouse(tmp_path: Path) -> None:
    program = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    pids = [int(pid) for pid in program.stdout.readline().split()]
    assert len(pids) == 2
    supervisors = [
        int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, check=True).stdout)
        for pid in pids
    ]
    assert all(alive(pid) for pid in pids + supervisors)
    os.kill(program.pid, signal.SIGKILL)
    program.communicate()
    for pid in pids + supervisors:
        wait_for(lambda pid=pid: not alive(pid))  # type: ignore[misc]
    with EmbeddedClickHouse(tmp_path / "data"):
        pass  # its data directory is free again
