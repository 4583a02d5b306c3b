"""The jars of Apache Kafka: fetched once by Maven into a cache outside the repository, checked against SHA256SUMS.

    python -m tests.kafka.jars

``deploy/kafka/pom.xml`` pins the versions, ``deploy/kafka/SHA256SUMS`` what the jars are.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from schemas.errors import Terminal

__all__ = ["fetch", "java", "jars", "main", "version"]

_PROJECT: Final = Path(__file__).resolve().parents[2] / "deploy" / "kafka"
_POM: Final = _PROJECT / "pom.xml"
_OLDEST_JAVA: Final = 17
_INSTALL: Final = "install Java 17 or later and Maven (Debian: apt install openjdk-17-jre-headless maven)"


def version() -> str:
    """The version of Apache Kafka that the pom pins."""
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)<", _POM.read_text(encoding="utf-8"))
    if found is None:
        raise Terminal(f"{_POM} names no version of kafka_2.13")
    return found[1]


@cache
def java() -> str:
    """The program ``java``. Raises Terminal when there is none, or one too old for Apache Kafka 4."""
    program = shutil.which("java")
    if program is None:
        raise Terminal(f"java is missing: {_INSTALL}")
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    if found is None or int(found[1]) < _OLDEST_JAVA:
        first = answer.stderr.partition("\n")[0]
        raise Terminal(f"{program} is no Java {_OLDEST_JAVA} or later ({first or 'it does not run'}): {_INSTALL}")
    return program


@cache
def jars() -> Path:
    """The folder of the jars. Raises Terminal when they are not there or not what they should be."""
    folder = _cache()
    problem = _problem(folder)
    if problem:
        raise Terminal(f"{problem}: run 'make test-kafka', which fetches them")
    return folder


def fetch() -> Path:
    """The folder of the jars, filled when need be. Raises Terminal when Java or Maven is missing or a jar is wrong."""
    java()
    folder = _cache()
    if not _problem(folder):
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise Terminal(f"mvn is missing: {_INSTALL}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place when complete: a download that was broken off leaves nothing that looks whole.
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        fresh = Path(made) / "jars"
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        outcome = subprocess.run(
            [maven, "--batch-mode", "--quiet", "--file", str(_POM), *copy], capture_output=True, text=True, check=False
        )
        if outcome.returncode:
            raise Terminal(f"Maven could not fetch Apache Kafka {version()}: {_first_error(outcome.stdout)}")
        if problem := _problem(fresh):
            raise Terminal(f"{problem}: if {_POM} was changed on purpose, write {_PROJECT}/SHA256SUMS anew")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "retention" / f"kafka-{version()}"


def _problem(folder: Path) -> str:
    """How the folder differs from the checksums; empty when it does not."""
    lines = (_PROJECT / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    wanted = {name: digest for digest, name in (line.split() for line in lines)}
    found = {path.name: path for path in folder.glob("*.jar")}
    if not found:
        return f"the jars of Apache Kafka {version()} are not in {folder}"
    for name in sorted(wanted.keys() ^ found.keys()):
        return f"{name} is {'missing from' if name in wanted else 'not expected in'} {folder}"
    for name, path in found.items():
        if hashlib.sha256(path.read_bytes()).hexdigest() != wanted[name]:
            return f"{path} does not have the checksum that SHA256SUMS says"
    return ""


def _first_error(output: str) -> str:
    errors = [line for line in output.splitlines() if "ERROR" in line]
    return errors[0] if errors else "it says nothing"


def main() -> int:
    """Fetch the jars; returns the exit status."""
    try:
        folder = fetch()
    except Terminal as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Apache Kafka {version()} in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
