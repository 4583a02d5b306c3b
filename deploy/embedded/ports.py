"""Ports on this machine: which is free, and who listens."""

import errno
import os
import socket
import subprocess
from pathlib import Path

from schemas.errors import Terminal

__all__ = ["choose_port", "is_taken", "listens"]

_PROC_TCP = Path("/proc/net/tcp")
_TCP_LISTEN = "0A"


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether someone listens on ``port``, or it cannot be bound for another reason."""
    with socket.socket() as probe:
        # A port whose last user has just gone may be had; one that is listened on may not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    with socket.socket() as probe:  # on macOS the bind succeeds beside a listener on all addresses
        return probe.connect_ex((host, port)) != errno.ECONNREFUSED


def choose_port(wanted: int | None, *, explicit: bool = False, flag: str = "--port", host: str = "127.0.0.1") -> int:
    """``wanted`` if it is free, else any free port.

    Raises Terminal, in one line that names ``flag``, if ``wanted`` is taken and ``explicit``.
    """
    if wanted and not is_taken(wanted, host):
        return wanted
    if wanted and explicit:
        raise Terminal(f"port {wanted} is taken: stop what listens there, or choose another with {flag}")
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(pid: int, port: int) -> bool:
    """Whether process ``pid`` itself, and not somebody else, listens on TCP ``port``."""
    if _PROC_TCP.exists():  # Linux
        return bool(_listening_inodes(port) & _socket_inodes(pid))
    listing = subprocess.run(
        ["lsof", "-nP", "-a", "-p", str(pid), f"-iTCP:{port}", "-sTCP:LISTEN"], capture_output=True, check=False
    )
    return bool(listing.stdout)


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (_PROC_TCP, _PROC_TCP.with_name("tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[3] == _TCP_LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _socket_inodes(pid: int) -> set[str]:
    inodes = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as files:
            for file in files:
                target = os.readlink(file.path)
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    except OSError:  # the process or one of its files has just gone
        return inodes
    return inodes
