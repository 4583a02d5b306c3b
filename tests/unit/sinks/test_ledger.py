"""What is to be applied, given what was."""

import pytest

from schemas.errors import Terminal
from sinks.migrate import pending
from sinks.scripts import Script

FIRST = Script("0000_create_a.sql", "CREATE TABLE a")
SECOND = Script("0001_create_b.sql", "CREATE TABLE b")


def test_an_empty_ledger_leaves_all_in_order() -> None:
    assert pending([FIRST, SECOND], {}) == (FIRST, SECOND)


def test_what_was_applied_is_left_out() -> None:
    assert pending([FIRST, SECOND], {FIRST.name: FIRST.checksum}) == (SECOND,)


def test_an_edited_file_is_named_even_when_others_are_to_be_applied() -> None:
    with pytest.raises(Terminal, match=r"0000_create_a\.sql was edited"):
        pending([FIRST, SECOND], {FIRST.name: "0" * 64})


def test_a_file_that_is_not_known_means_a_newer_version() -> None:
    with pytest.raises(Terminal, match=r"0002_create_c\.sql.*newer"):
        pending([FIRST, SECOND], {"0002_create_c.sql": "0" * 64, "0001_create_b.sql": SECOND.checksum})
