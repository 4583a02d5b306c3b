import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import pytest

from tests.bench.attempts import Reading
from tests.bench.launching import ContenderFailed, Launched, Line
from tests.bench.measuring import measure
from tests.bench.processes import members


class Scripted:
    """An attempt that is as far as its script says."""

    def __init__(self, *script: Reading | None) -> None:
        self._script: Iterator[Reading | None] = iter(script)
        self.left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.left = True

    def reading(self) -> Reading | None:
        try:
            return next(self._script)
        except StopIteration:
            raise ContenderFailed("the script is over") from None

    def peak_mib(self) -> float:
        return 7.0

    def extras(self) -> Mapping[str, float]:
        return {"triangle_s": 1.0}


START = (None, Reading(0, 0.0, 5.0), Reading(0, 0.0, 5.5), Reading(100, 10.0, 6.0))


def test_the_rate_is_from_the_first_progress_and_the_cpu_from_when_it_was_ready() -> None:
    measured = measure(Scripted(*START, Reading(100, 10.0, 6.0), Reading(500, 12.0, 8.0)), 500, (), None)
    assert measured.rate == 200
    assert measured.cpu == pytest.approx(3 / 500e-6)
    assert (measured.events, measured.seconds, measured.memory) == (400, 2.0, 7.0)
    assert measured.extras == {"triangle_s": 1.0}


def test_a_slow_one_is_measured_for_a_window_and_asked_for_no_extras() -> None:
    measured = measure(Scripted(*START, Reading(120, 15.0, 9.0), Reading(140, 20.0, 9.0)), 500, (), 8.0)
    assert measured.rate == 4
    assert measured.extras == {}


def test_one_that_ends_is_left_and_says_why() -> None:
    attempt = Scripted(*START)
    with pytest.raises(ContenderFailed, match="the script is over"):
        measure(attempt, 500, (), None)
    assert attempt.left


def test_one_that_was_done_at_once_has_no_rate() -> None:
    with pytest.raises(ContenderFailed, match="take more events"):
        measure(Scripted(*START), 100, (), None)


def test_a_process_is_followed_and_its_last_words_are_the_reason(tmp_path: Path) -> None:
    program = "import sys; print('hello'); print('3 1.5 0.25', flush=True); sys.exit('first\\nno broker here')"
    launched = Launched([sys.executable, "-c", program], tmp_path / "log")
    assert launched.process.wait(30) == 1
    with pytest.raises(ContenderFailed, match="ended with 1: no broker here"):
        launched.check()
    launched.stop()
    assert launched.last == Line(3, 1.5, 0.25)


def test_ending_it_ends_its_children_too(tmp_path: Path) -> None:
    sleep = "import time; time.sleep(100)"
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleep!r}])"
    program = f"{child}; print('1 1 1', flush=True); {sleep}"
    launched = Launched([sys.executable, "-c", program], tmp_path / "log")
    while launched.last is None:
        launched.check()
        time.sleep(0.01)
    assert len(members(launched.process.pid)) == 2
    launched.kill()
    # A process that has ended has no memory, even if nobody has asked for its exit status yet.
    while launched.peak_mib() > 0:
        time.sleep(0.01)
    assert launched.process.returncode == -signal.SIGKILL
