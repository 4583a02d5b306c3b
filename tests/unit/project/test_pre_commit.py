"""The pre-commit hooks are those of `make`, from the environment of the lock."""

import subprocess
import sys

import yaml

from tests.unit.project.compose_file import ROOT

CONFIG = ROOT / ".pre-commit-config.yaml"


def test_configuration_is_valid() -> None:
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", str(CONFIG)], check=True)


def test_hooks_download_nothing() -> None:
    repositories = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repos"]
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {repository["repo"] for repository in repositories} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks)
