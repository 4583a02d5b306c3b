"""The Makefile: it explains itself, and says clearly what it lacks."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.project.compose_file import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(*arguments: str, folder: Path = ROOT, first: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run make; programs in the folder ``first`` are found before others."""
    # Not as a part of the make that may be running these tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    if first is not None:
        environment |= {"PATH": f"{first}:{environment['PATH']}"}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_expected_targets_exist() -> None:
    assert targets() >= {"help", "demo", "test", "lint", "types", "contracts", "bench", "clean", "lock", "format"}
    assert targets() >= {"faults", "test-kafka"}


def test_help_lists_every_target_with_a_sentence() -> None:
    helped = make("help")
    lines = dict(line.split(maxsplit=1) for line in helped.stdout.splitlines())
    assert helped.returncode == 0
    assert lines.keys() == targets()


def test_every_target_is_phony() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == targets()


@pytest.mark.parametrize("python", ["", "/nowhere/python3"])
def test_missing_python_is_named(tmp_path: Path, python: str) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    made = make(f"PYTHON={python}", folder=tmp_path)
    assert made.returncode == 2
    assert "Python 3.11, 3.12 or 3.13" in made.stderr
    assert not (tmp_path / ".venv").exists()


def test_pythons_are_looked_for_once_and_only_when_needed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    probed = tmp_path / "python3.13"
    probed.write_text(f"#!/bin/sh\necho asked >> '{log}'\n", encoding="utf-8")
    probed.chmod(0o755)
    assert make("help", first=tmp_path).returncode == 0
    assert log.read_text(encoding="utf-8") == ""
    dry = make("--dry-run", "--always-make", "install", first=tmp_path)
    assert dry.stdout.count("python3.13") > 1
    assert log.read_text(encoding="utf-8") == "asked\n"
    make("--dry-run", "--always-make", f"PYTHON={probed}", first=tmp_path)
    assert log.read_text(encoding="utf-8") == "asked\n"


def test_plain_make_installs() -> None:
    assert make("--dry-run", "--always-make").stdout == make("--dry-run", "--always-make", "install").stdout


def test_ci_runs_every_check_and_reads_no_input() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in text
    assert "exec </dev/null" in text
    assert set(re.findall(r"^make (.+)$", text, re.MULTILINE)[0].split()) == {
        "lint",
        "types",
        "contracts",
        "test",
        "faults",
        "test-kafka",
    }
