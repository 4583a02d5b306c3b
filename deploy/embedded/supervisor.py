"""The process between us and a service: when we are gone, however we went, it takes the service down.

    python -I supervisor.py GRACE_SECONDS LOG_FILE COMMAND…

It starts COMMAND in a session of its own, writes its pid to standard output, and waits for the end of the command or
of standard input, which only the parent holds: an end of file there means that the parent stopped us, ended, or was
killed. It stands on the standard library alone, in a process without threads: it starts fast and cannot hang.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.1


def main(arguments: list[str]) -> int:
    """Supervise until the command ends; returns its status: 128 + the signal that ended it, 127 if there is no such."""
    grace, log_file, command = float(arguments[0]), Path(arguments[1]), arguments[2:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent decides, by closing our standard input
    parent = os.getppid()
    with log_file.open("ab", buffering=0) as log:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_prepare,  # noqa: PLW1509 (safe: this process has one thread)
            )
        except OSError as error:
            log.write(f"cannot execute {command[0]}: {error.strerror}\n".encode())
            return 127
    print(child.pid, flush=True)
    while child.poll() is None:
        stopped, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
        # The second sign serves when a fork of the parent still holds the other end of our input.
        if stopped or os.getppid() != parent:
            _stop(child, grace)
    _signal_group(child.pid, signal.SIGKILL)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _prepare() -> None:
    """In the child before it becomes the command."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":  # so that killing the supervisor itself leaves nothing either
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _stop(child: "subprocess.Popen[bytes]", grace: float) -> None:
    _signal_group(child.pid, signal.SIGTERM)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    """To the command and everything it started."""
    with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
