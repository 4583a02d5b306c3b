"""The import contracts hold, and each of them notices what it is there to notice."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.project.compose_file import ROOT

PACKAGES = ("deploy", "schemas", "sinks", "streams")
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter", "time", "time_ns"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    # The folder's own packages must win over the installed ones.
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages, to plant imports in."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("streams/core/calendar.py", "time"),
        ("streams/core/calendar.py", "random"),
        ("streams/core/calendar.py", "faust"),
        ("streams/core/calendar.py", "streams.planted"),
        ("streams/__init__.py", "sinks"),
        ("sinks/__init__.py", "streams.core.calendar"),
        ("schemas/topics.py", "streams.core.calendar"),
        ("sinks/__init__.py", "deploy.settings"),
        ("sinks/__init__.py", "chdb"),
    ],
)
def test_forbidden_import_is_noticed(tree: Path, module: str, imported: str) -> None:
    # What the core imports must be pure as well, however long the chain.
    (tree / "streams" / "planted.py").write_text("import os\n", encoding="utf-8")
    path = tree / module
    path.write_text(f"{path.read_text(encoding='utf-8')}\nimport {imported}\n", encoding="utf-8")
    checked = lint_imports(tree)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "1 broken" in checked.stdout


def test_core_never_asks_for_the_time() -> None:
    # The modules that hold dates also hold clocks, so that their import proves nothing.
    modules = sorted((ROOT / "streams" / "core").rglob("*.py"))
    assert modules
    for module in modules:
        calls = [node for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        asked = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)} & CLOCKS
        assert asked == set(), module
