"""The documents say what the code says."""

import ast
import json
import re
from typing import get_args

import click
import pytest

from deploy.cli import COMMANDS, cli
from deploy.settings import settings_table
from schemas.apps import AppCatalog, AppSettings
from schemas.dead_letter import HEADERS, Reason
from schemas.errors import InvalidEvent
from schemas.event import Event
from schemas.topics import TOPICS
from schemas.validator import EventValidator
from sinks.scripts import views
from tests.unit.project.compose_file import ROOT
from tests.unit.project.documents import DOCUMENTS, anchors, blocks, commands, links, tables, text
from tests.unit.project.test_makefile import targets

CONTRACT = "docs/contract.md"
READMES = ("README.md", "README.zh-CN.md")
DECISIONS = [name for name in DOCUMENTS if name.startswith("docs/decisions/")]

_COLUMN = re.compile(r"^    (\w+)\s+(.+?)(?:\s+COMMENT '(?:[^']|'')*')?,?$", re.MULTILINE)


def view_columns() -> dict[str, list[tuple[str, str]]]:
    """Names and types of the columns of every view, as its file declares them."""
    declared = {script.name.removesuffix(".sql"): script.text.partition("\n(\n")[2] for script in views()}
    return {
        view: _COLUMN.findall(body.partition("\n)\nAS")[0])
        for view, body in declared.items()
        if not view.startswith("internal_")
    }


def code(cell: str) -> list[str]:
    """The names in code spans."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_expected_documents_exist() -> None:
    assert {*READMES, CONTRACT, "docs/definitions.md", "docs/operations.md"} < set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_link_is_dead(document: str) -> None:
    for path, fragment in links(document):
        assert path.exists(), path
        if fragment:
            assert fragment in anchors(path.resolve().relative_to(ROOT).as_posix())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_shown_can_be_parsed(document: str) -> None:
    for name, *arguments in commands(document):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        if arguments:  # without any it may be a mere mention
            command.make_context(name, arguments)


def test_the_tour_shows_commands() -> None:
    shown = {name for document in READMES for name, *_ in commands(document)}
    assert shown >= {"demo", "run", "query", "report", "doctor", "migrate", "worker"}


def test_every_make_target_shown_exists() -> None:
    shown = {target for name in READMES for target in re.findall(r"\bmake ([a-z]+)\b", "\n".join(blocks(name, "sh")))}
    assert shown
    assert shown <= targets()


def test_the_settings_table_is_that_of_the_code() -> None:
    assert settings_table() in text("README.md")


def test_every_view_is_documented_with_its_columns_and_types() -> None:
    for view, columns in view_columns().items():
        documented = [(code(name)[0], kind) for name, kind, _ in tables(CONTRACT, view)]
        assert documented == columns, view


@pytest.mark.parametrize(("document", "heading"), [("README.md", "The views"), ("README.zh-CN.md", "视图")])
def test_the_overview_lists_every_view(document: str, heading: str) -> None:
    listed = [view for row in tables(document, heading) for view in code(row[0])]
    assert sorted(listed) == sorted(view_columns())


@pytest.mark.parametrize(("document", "heading"), [(CONTRACT, "Event"), ("README.md", "The event")])
def test_every_field_of_an_event_is_documented(document: str, heading: str) -> None:
    documented = [field for row in tables(document, heading) for field in code(row[0])]
    assert sorted(documented) == sorted(Event.__annotations__)


def test_every_setting_of_an_app_is_documented_with_its_default() -> None:
    documented = {
        code(name)[0]: json.loads(code(default)[0].replace("Asia/Shanghai", '"Asia/Shanghai"'))
        for name, default, _ in tables(CONTRACT, "Settings of an app")
    }
    assert documented == AppSettings().model_dump(mode="json")


def test_topics_headers_and_commands_are_documented() -> None:
    topics = {code(name)[0]: code(config) for name, *_, config in tables(CONTRACT, "Topics")}
    assert all(topics[topic.name] == [f"{name}={value}" for name, value in topic.config.items()] for topic in TOPICS)
    assert [code(row[0])[0] for row in tables(CONTRACT, "Dead letters")] == list(HEADERS)
    assert {reason for row in tables(CONTRACT, "Dead letters") for reason in code(row[1])} >= set(get_args(Reason))
    listed = [code(row[0])[0].split()[1] for row in tables(CONTRACT, "Command line") if "`retention" in row[0]]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_code_and_json_shown_are_valid(document: str) -> None:
    for program in blocks(document, "python"):
        ast.parse(program)
    for example in blocks(document, "json"):
        if "event_id" in example:
            (event,) = EventValidator(AppCatalog(), 1 << 16).validate([example.encode()])
            assert not isinstance(event, InvalidEvent), event
        else:
            AppCatalog.model_validate_json(example)


def test_decisions_are_numbered_and_say_what_was_rejected() -> None:
    assert [int(name.split("/")[-1][:4]) for name in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for name in DECISIONS:
        headings = re.findall(r"^## (.+)$", text(name), re.MULTILINE)
        assert headings == ["Context", "Decision", "Rejected", "Consequences"], name
