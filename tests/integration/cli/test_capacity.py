"""The capacity command as it is installed, and the document that shows its answer."""

import subprocess
import sys

from deploy.capacity_costs import cost_rows, measured_rows
from tests.unit.project.documents import blocks, commands, text

DOCUMENT = "docs/capacity.md"


def test_the_documented_answer_is_the_commands_answer() -> None:
    (example,) = blocks(DOCUMENT, "console")
    (arguments,) = (words for words in commands(DOCUMENT) if words[0] == "capacity" and len(words) > 1)
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments], capture_output=True, encoding="utf-8", check=True, env={}
    )
    assert done.stderr == ""
    assert example.partition("\n")[2] == done.stdout


def test_the_documented_costs_and_measurements_are_those_of_the_code() -> None:
    for row in (*cost_rows(), *measured_rows()):
        assert row in text(DOCUMENT)
