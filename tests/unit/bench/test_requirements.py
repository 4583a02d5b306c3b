"""The lock of the libraries that are measured beside."""

import re

from tests.bench.versions import LICENCES
from tests.unit.project.compose_file import ROOT

WANTED = (ROOT / "tests" / "bench" / "requirements.in").read_text(encoding="utf-8")
LOCK = (ROOT / "tests" / "bench" / "requirements.lock").read_text(encoding="utf-8")


def test_everything_is_hashed_and_bound_to_no_place() -> None:
    entries = [line for line in LOCK.replace("\\\n", " ").splitlines() if re.match(r"[a-z0-9]", line)]
    assert len(entries) > 10
    assert [line for line in entries if "--hash=sha256:" not in line] == []
    assert not re.search(r"https?://|file:|--index-url|--extra-index-url|--find-links|(?<!\w)/\w", LOCK)


def test_every_library_is_locked_and_its_licence_is_named() -> None:
    wanted = re.findall(r"^([a-z-]+)", WANTED, re.MULTILINE)
    assert set(wanted) <= LICENCES.keys()
    assert set(wanted) <= set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))
