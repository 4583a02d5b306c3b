"""The SQL files that ship with the code: migrations in their order, views after the views they read."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import Final

__all__ = ["Script", "in_order_of_use", "migrations", "statements", "views"]

_SOURCES: Final = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_END: Final = re.compile(r";\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One SQL file."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal; the same on systems with other line ends."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> tuple[Script, ...]:
    """Every migration, oldest first."""
    return _read("migrations")


def views() -> tuple[Script, ...]:
    """Every view, each after the views it reads."""
    return in_order_of_use(_read("views"))


def in_order_of_use(scripts: Sequence[Script]) -> tuple[Script, ...]:
    """``scripts``, each named ``VIEW.sql``, so that a view comes after those it reads.

    Raises:
        graphlib.CycleError: views read each other.
    """
    by_view = {script.name.removesuffix(".sql"): script for script in scripts}
    reads = {
        view: {source for source in _SOURCES.findall(_COMMENT.sub("", script.text)) if source in by_view}
        for view, script in by_view.items()
    }
    return tuple(by_view[view] for view in TopologicalSorter(reads).static_order())


def statements(text: str) -> tuple[str, ...]:
    """The statements of an SQL file: each ends with a semicolon at the end of a line, the last one may do without."""
    return tuple(part.strip() for part in _END.split(text) if _COMMENT.sub("", part).strip())


def _read(folder: str) -> tuple[Script, ...]:
    entries = (entry for entry in files("sinks").joinpath(folder).iterdir() if entry.name.endswith(".sql"))
    # Text mode reads any line end as "\n".
    scripts = (Script(entry.name, entry.read_text(encoding="utf-8")) for entry in entries)
    return tuple(sorted(scripts, key=lambda script: script.name))
