"""A child process under its supervisor: how it starts, how it fails, and that nothing of it is ever left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.embedded.process import ChildProcess, ServiceError

DEADLINE = 30.0
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
WITH_CHILD = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"


def alive(pid: int) -> bool:
    """Whether the process exists and is more than an entry that nobody has collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not state.stdout.startswith("Z") and state.stdout != ""


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def python(code: str, log: Path, grace: float = 5.0) -> ChildProcess:
    return ChildProcess("sample", [sys.executable, "-c", code], log, grace=grace)


def first_line(log: Path) -> str:
    wait_for(lambda: log.exists() and "\n" in log.read_text())
    return log.read_text().splitlines()[0]


def test_a_child_runs_until_it_is_stopped(tmp_path: Path) -> None:
    child = python("import time; time.sleep(600)", tmp_path / "log").start()
    child.check()
    assert alive(child.pid)
    child.stop()
    assert not child.running
    assert not alive(child.pid)
    child.stop()


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = python(STUBBORN, tmp_path / "log", grace=0.2).start()
    first_line(tmp_path / "log")
    child.stop()
    assert not alive(child.pid)


def test_what_the_child_started_goes_with_it(tmp_path: Path) -> None:
    child = python(WITH_CHILD, tmp_path / "log").start()
    grandchild = int(first_line(tmp_path / "log"))
    child.stop()
    assert not alive(grandchild)


def test_what_the_child_started_goes_also_when_the_child_is_killed(tmp_path: Path) -> None:
    child = python(WITH_CHILD, tmp_path / "log").start()
    grandchild = int(first_line(tmp_path / "log"))
    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: not alive(grandchild))
    child.stop()


def test_a_child_that_fails_shows_its_last_words_of_this_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("an earlier run\n")
    child = python("import sys; print('one\\ntwo', flush=True); sys.exit('the reason')", log).start()
    with pytest.raises(ServiceError) as error:
        child.wait_until(lambda: False, DEADLINE)
    assert str(error.value) == f"sample ended with status 1; last lines of {log}:\n  one\n  two\n  the reason"


def test_a_child_that_is_not_ready_in_time_is_stopped(tmp_path: Path) -> None:
    child = python("import time; print('starting', flush=True); time.sleep(600)", tmp_path / "log").start()
    first_line(tmp_path / "log")
    with pytest.raises(ServiceError, match=r"sample was not ready within 0.1 s; last lines of .*/log:\n  starting"):
        child.wait_until(lambda: False, 0.1)
    assert not alive(child.pid)


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="cannot execute /no/such/program: No such file or directory"):
        ChildProcess("sample", ["/no/such/program"], tmp_path / "log").start()


def test_before_the_start_there_is_nothing_to_ask_for(tmp_path: Path) -> None:
    child = python("", tmp_path / "log")
    child.stop()
    assert not child.running
    with pytest.raises(ServiceError, match="sample has not been started"):
        _ = child.pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_killing_the_supervisor_takes_the_child_along(tmp_path: Path) -> None:
    child = python("import time; time.sleep(600)", tmp_path / "log").start()
    listing = subprocess.run(["ps", "-o", "ppid=", "-p", str(child.pid)], capture_output=True, text=True, check=True)
    os.kill(int(listing.stdout), signal.SIGKILL)
    wait_for(lambda: not alive(child.pid))
    child.stop()


def test_a_supervisor_that_is_stuck_does_not_save_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.embedded.process._MARGIN_SECONDS", 0.1)
    child = python("import time; time.sleep(600)", tmp_path / "log", grace=0.1).start()
    listing = subprocess.run(["ps", "-o", "ppid=", "-p", str(child.pid)], capture_output=True, text=True, check=True)
    os.kill(int(listing.stdout), signal.SIGSTOP)
    child.stop()
    wait_for(lambda: not alive(child.pid))
    assert not alive(int(listing.stdout))


PARENT = """
import os, signal, sys, time
from pathlib import Path
from deploy.embedded.process import ChildProcess

log = Path(sys.argv[1])
child = ChildProcess("sample", [sys.executable, "-c", "import time; time.sleep(600)"], log / "log").start()
if sys.argv[2] == "forks" and os.fork() == 0:
    time.sleep(600)  # a copy that holds the supervisor's input open
signal.signal(signal.SIGINT, lambda *_: print("running" if child.running else "gone", flush=True))
print(child.pid, flush=True)
while True:
    time.sleep(1)
"""


def parent(tmp_path: Path, how: str = "alone") -> tuple["subprocess.Popen[str]", int]:
    program = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), how], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert program.stdout is not None
    return program, int(program.stdout.readline())


def collect(program: "subprocess.Popen[str]") -> None:
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_the_child_ends_with_its_parent_however_that_ends(tmp_path: Path, number: signal.Signals) -> None:
    program, child = parent(tmp_path)
    assert alive(child)
    os.kill(program.pid, number)
    program.communicate()
    wait_for(lambda: not alive(child))


def test_a_fork_of_the_parent_does_not_keep_the_child_alive(tmp_path: Path) -> None:
    program, child = parent(tmp_path, "forks")
    os.kill(program.pid, signal.SIGKILL)
    wait_for(lambda: not alive(child))
    collect(program)


def test_ctrl_c_in_the_terminal_reaches_the_parent_alone(tmp_path: Path) -> None:
    program, child = parent(tmp_path)
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to the whole foreground group
    assert program.stdout is not None
    assert program.stdout.readline() == "running\n"
    assert alive(child)
    collect(program)
    wait_for(lambda: not alive(child))
