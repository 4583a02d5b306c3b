"""The image: pinned base, hashed dependencies, nothing of the build left in it, not root."""

import re
from typing import Final

import pytest

from tests.unit.project.compose_file import ROOT, services

TEXT: Final = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STEPS: Final = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and not line.startswith(("#", " "))]


def arguments(step: str) -> list[str]:
    return [rest for name, rest in STEPS if name == step]


def test_base_is_pinned_and_the_same_in_every_stage() -> None:
    bases = {base.split()[0] for base in arguments("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.13\.\d+-slim-trixie", bases.pop())


def test_dependencies_come_from_the_lock_with_hashes() -> None:
    installs = [line for line in arguments("RUN") if "pip install" in line]
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "requirements-runtime.lock" in installs[0]
    assert "--no-deps --no-build-isolation" in installs[1]


def test_last_stage_runs_as_the_user_that_compose_names() -> None:
    assert arguments("USER") == ["10001:10001"]
    assert services()["worker"]["user"] == "10001:10001"


@pytest.mark.parametrize("step", ["ENTRYPOINT", "CMD"])
def test_process_is_started_without_a_shell(step: str) -> None:
    (command,) = arguments(step)
    assert command.startswith("[")


def test_whatever_is_copied_passes_dockerignore() -> None:
    allowed = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    copied = {name for line in arguments("COPY") if "--from" not in line for name in line.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
