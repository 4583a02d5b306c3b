"""What a SQL text is, as far as the HTTP interface must know before the engine sees it.

Only tokens are read (comments, quotes, brackets, words), never the grammar: the engine parses. An INSERT is cut where
its data begins, by ClickHouse's own rule, and nothing behind the cut is looked at: it may be binary.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from deploy.embedded.engine.errors import ClickHouseError, Code

__all__ = ["Insert", "Statement", "read_statement", "refuse_second_statement"]

# A quote that is not closed takes the rest of the text: trying again behind each would take quadratic time.
_TOKEN = re.compile(
    rb"""
    (?P<skip>\s++ | --[^\n]*+ | \#[\ !][^\n]*+)
    | (?P<comment>/\*)
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*+)
    | (?P<quoted> '(?:[^'\\]++|\\(?:.|\Z)|'')*+(?:'|\Z)
        | "(?:[^"\\]++|\\(?:.|\Z)|"")*+(?:"|\Z)
        | `(?:[^`\\]++|\\(?:.|\Z)|``)*+(?:`|\Z)
        | \$(?P<tag>\w*+)\$(?:.*?\$(?P=tag)\$|.*+))
    | (?P<number>[0-9][A-Za-z0-9_]*+)
    | (?P<mark>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
#: ClickHouse's ParserInsertQuery: data begin behind blanks, and behind one line break if there is one.
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")
_READ_ONLY = frozenset(
    {b"", b"SELECT", b"WITH", b"FROM", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN", b"CHECK", b"SET", b"USE"}
)
_OPENING, _CLOSING = b"([{", b")]}"


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT with data: ``text[:head_end]`` is the statement, ``text[data_start:]`` the data in ``format``."""

    head_end: int
    data_start: int
    format: str


@dataclass(frozen=True, slots=True)
class Statement:
    """``format`` is the FORMAT clause of a query; ``insert`` is set for an INSERT that brings its data."""

    read_only: bool
    format: str | None = None
    insert: Insert | None = None


class _Token(NamedTuple):
    kind: str
    text: bytes
    end: int
    depth: int

    @property
    def word(self) -> bytes:
        """The word in capitals, where keywords can stand; empty for anything else."""
        return self.text.upper() if self.kind == "word" and self.depth == 0 else b""


def _end_of_comment(text: bytes, position: int) -> int:
    """Comments nest in ClickHouse. An unclosed one ends with the text."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, position):
        depth += 1 if edge[0] == b"/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def _tokens(text: bytes) -> Iterator[_Token]:
    position = depth = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:  # cannot be: the last alternative takes any byte
            return
        position = found.end()
        if found["comment"]:
            position = _end_of_comment(text, position)
        elif not found["skip"]:
            mark = found["mark"] or b"\0"
            if mark in _CLOSING:
                depth = max(depth - 1, 0)
            kind = "word" if found["word"] else "quoted" if found["quoted"] else "mark"
            yield _Token(kind, found[0], position, depth)
            if mark in _OPENING:
                depth += 1


def _one_statement(tokens: Iterator[_Token]) -> Iterator[_Token]:
    ended = False
    for token in tokens:
        if token.text == b";" and token.depth == 0:
            ended = True
        elif ended:
            message = "Syntax error (Multi-statements are not allowed): send one at a time."
            raise ClickHouseError.of(Code.SYNTAX_ERROR, message)
        else:
            yield token


def refuse_second_statement(text: bytes) -> None:
    """Raises ClickHouseError when ``text`` goes on behind a semicolon."""
    for _ in _one_statement(_tokens(text)):
        pass


def read_statement(text: bytes) -> Statement:
    """Read one statement. Raises ClickHouseError for several statements in one request, and for files of the server."""
    tokens = _tokens(text)
    first = next(tokens, None)
    if first is not None and first.word == b"INSERT":
        return _read_insert(text, tokens)
    return _read_query(first, tokens)


def _read_insert(text: bytes, tokens: Iterator[_Token]) -> Statement:
    token = next(tokens, None)
    for introduction in (b"INTO", b"TABLE", b"FUNCTION"):
        if token is not None and token.word == introduction:
            token = next(tokens, None)
    # ``token`` is the target's name now, which may be spelt like a keyword.
    dotted = False
    while (token := next(tokens, None)) is not None:
        if dotted or token.text == b".":
            dotted = token.text == b"."
            continue
        match token.word:
            case b"VALUES":
                return _insert(text, token.end - len(token.text), token.end, "Values")
            case b"FORMAT":
                name = next(tokens, None)
                if name is None or name.kind != "word":
                    raise ClickHouseError.of(Code.SYNTAX_ERROR, "Syntax error: FORMAT of the INSERT has no name.")
                return _insert(text, token.end - len(token.text), name.end, name.text.decode())
            case b"SELECT" | b"WITH" | b"WATCH" | b"FROM":
                return _read_query(token, tokens, inserting=True)
    return Statement(read_only=False)


def _insert(text: bytes, head_end: int, position: int, name: str) -> Statement:
    blanks = _BEFORE_DATA.match(text, position)
    return Statement(read_only=False, insert=Insert(head_end, blanks.end() if blanks else position, name))


def _read_query(first: _Token | None, tokens: Iterator[_Token], *, inserting: bool = False) -> Statement:
    keyword = first.word if first else b""
    read_only = keyword in _READ_ONLY and not inserting
    output: str | None = None
    previous = before = first
    for token in _one_statement(tokens):
        if inserting and token.text == b"(" and previous is not None and previous.text.lower() == b"input":
            raise ClickHouseError.of(Code.NOT_IMPLEMENTED, "INSERT ... SELECT FROM input() is not served here.")
        pair = (previous.word if previous else b"", token.word)
        if pair in ((b"INTO", b"OUTFILE"), (b"FROM", b"INFILE")):
            clause = b" ".join(pair).decode()
            raise ClickHouseError.of(Code.INTO_OUTFILE_NOT_ALLOWED, f"{clause} is not allowed.")
        if before is not None and before.word == b"FORMAT" and output is not None:
            # FORMAT is a clause only where it ends the query; elsewhere it was a column of that name.
            output = output if token.word == b"SETTINGS" else None
        elif pair[0] == b"FORMAT" and token.kind == "word":
            output = token.text.decode()
        if keyword == b"WITH" and token.word == b"INSERT":
            read_only = False
        before, previous = previous, token
    return Statement(read_only, output)
