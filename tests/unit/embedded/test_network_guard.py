import asyncio
import socket

import pytest


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_unit_test_cannot_open_a_network_socket(family: socket.AddressFamily) -> None:
    with pytest.raises(RuntimeError, match="move it to tests/integration"):
        socket.socket(family)
    with pytest.raises(RuntimeError, match="move it to tests/integration"):
        socket.create_connection(("127.0.0.1", 9))


async def test_a_unit_test_may_run_an_event_loop() -> None:
    await asyncio.sleep(0)
