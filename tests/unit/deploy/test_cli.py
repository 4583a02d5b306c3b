from pathlib import Path

import pytest

from deploy import cli
from deploy.cli import COMMANDS, run
from schemas.errors import Terminal


def test_help_shows_every_command_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    examples = text.partition("Examples:")[2]
    for name in COMMANDS:
        assert f"\n  {name} " in text
        assert f"retention {name}" in examples


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: retention {name}" in text
    assert f"retention {name}" in text.partition("Examples:")[2]


def test_every_command_file_is_listed() -> None:
    directory = Path(cli.__file__).parent / "commands"
    files = {
        path.stem
        for path in directory.glob("*.py")
        if "\ncommand" in path.read_text() or "def command" in path.read_text()
    }
    assert files == set(COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("retention, version")


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["query"],
        ["query", " "],
        ["replay"],
        ["replay", "--rate", "0", "x"],
        ["run", "x"],
        ["report", "--days", "1,x"],
        ["report", "--segment", "channel=ads", "--weekly"],
        ["migrate", "--force"],
        ["demo", "--fresh"],
        ["demo", "--kafka-port", "99999"],
        ["traffic", "--users", "0"],
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("retention")
    assert "--help'" in captured.err


@pytest.mark.parametrize("name", ["migrate", "worker", "query", "replay", "run", "report", "demo", "traffic"])
def test_a_wrong_setting_is_one_line_and_status_2(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RETENTION_EPOCH", "first")
    arguments = {"query": ["SELECT 1"], "replay": ["x"], "run": ["x", "--data-dir", str(tmp_path)]}
    assert run([name, *arguments.get(name, [])]) == 2
    error = capsys.readouterr().err
    assert error.startswith("retention: RETENTION_EPOCH='first' is wrong")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (Terminal("the tables\n do not fit"), 1, "retention: the tables do not fit\n"),
        (KeyboardInterrupt(), 130, "retention: stopped\n"),
        (ZeroDivisionError("by zero"), 1, "retention: unexpected ZeroDivisionError: by zero. RETENTION_DEBUG=1 shows"),
    ],
)
def test_an_error_is_one_line_without_traceback(
    error: BaseException,
    status: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RETENTION_DEBUG", raising=False)
    monkeypatch.setattr("deploy.commands.query.load_settings", _raising(error))
    assert run(["query", "SELECT 1"]) == status
    captured = capsys.readouterr().err.lstrip("\n")
    assert captured.startswith(text)
    assert captured.count("\n") == 1


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DEBUG", "1")
    monkeypatch.setattr("deploy.commands.query.load_settings", _raising(Terminal("no")))
    with pytest.raises(Terminal):
        run(["query", "SELECT 1"])


def _raising(error: BaseException) -> object:
    def fail() -> None:
        raise error

    return fail
