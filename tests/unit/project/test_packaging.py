"""The wheel: the four packages with their data, and nothing that lies beside them."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.unit.project.compose_file import ROOT

PACKAGES = {"deploy", "schemas", "sinks", "streams"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of every file of a wheel that is built from a copy of the tree."""
    source = tmp_path_factory.mktemp("source")
    for name in PACKAGES | {"tests", "docs"}:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", target, source], check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def in_tree(pattern: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob(pattern)}


def test_only_the_four_packages_are_installed(wheel: dict[str, str]) -> None:
    assert {name.split("/")[0] for name in wheel if ".dist-info/" not in name} == PACKAGES


def test_every_module_is_in_it(wheel: dict[str, str]) -> None:
    assert {name for name in wheel if name.endswith(".py")} == in_tree("*.py")


def test_every_statement_file_is_in_it(wheel: dict[str, str]) -> None:
    statements = in_tree("*.sql")
    assert statements
    assert {name for name in wheel if name.endswith(".sql")} == statements


def test_command_is_installed(wheel: dict[str, str]) -> None:
    (entry_points,) = (text for name, text in wheel.items() if name.endswith("entry_points.txt"))
    assert entry_points.split("\n")[:2] == ["[console_scripts]", "retention = deploy.cli:main"]


def test_licence_is_the_full_text(wheel: dict[str, str]) -> None:
    (licence,) = (text for name, text in wheel.items() if name.endswith("LICENSE"))
    assert "END OF TERMS AND CONDITIONS" in licence
