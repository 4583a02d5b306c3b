"""The documents as a reader uses them: their links, code blocks, tables and commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.unit.project.compose_file import ROOT

__all__ = ["DOCUMENTS", "anchors", "blocks", "commands", "links", "tables", "text"]

DOCUMENTS: Final = sorted(
    path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md"))
)

_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[[^\]]*\]\((?!https?:)([^)\s]+)\)")
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_VARIABLE: Final = re.compile(r"[A-Z_]+=\S*")


def text(document: str) -> str:
    """The whole document, named by its path from the root."""
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, *languages: str) -> list[str]:
    """The code blocks in any of ``languages``."""
    return [body for language, body in _BLOCK.findall(text(document)) if language in languages]


def _prose(document: str) -> str:
    return _BLOCK.sub("", text(document))


def anchors(document: str) -> set[str]:
    """The fragments by which GitHub addresses the headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: str) -> Iterator[tuple[Path, str]]:
    """The file and the fragment of every link that stays in the project."""
    for target in _LINK.findall(_prose(document)):
        name, _, fragment = target.partition("#")
        yield (ROOT / document).parent / name if name else ROOT / document, fragment


def tables(document: str, heading: str) -> list[list[str]]:
    """The rows of the tables under ``heading``, each the texts of its cells, without the rows of column names."""
    section = re.split(rf"^#+ {re.escape(heading)}$", _prose(document), maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    rules = {number for number, row in enumerate(rows) if set(row) == {"---"}}
    return [row for number, row in enumerate(rows) if number not in rules and number + 1 not in rules]


def commands(document: str) -> Iterator[list[str]]:
    """The arguments of every ``retention …`` that the document shows, in blocks and in running text."""
    lines = _SPAN.findall(_prose(document))
    for block in blocks(document, "sh"):
        lines += block.splitlines()
    for block in blocks(document, "console"):
        # A command goes on over lines that are indented.
        lines += re.findall(r"^\$ (.*(?:\n    .*)*)", block, re.MULTILINE)
    for line in lines:
        yield from _arguments(line)


def _arguments(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a quotation mark in running text
        return
    while words and _VARIABLE.fullmatch(words[0]):
        words = words[1:]
    if len(words) > 1 and words[0] in {"retention", ".venv/bin/retention"}:
        yield words[1:]
