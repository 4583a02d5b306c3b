from pathlib import Path

import pytest

from deploy.rundir import RunDir
from schemas.errors import Terminal


def test_a_run_makes_its_directory(tmp_path: Path) -> None:
    directory = RunDir(tmp_path / "a" / "b")
    directory.create()
    assert directory.logs.is_dir()


def test_a_second_run_is_refused_with_the_way_out(tmp_path: Path) -> None:
    RunDir(tmp_path).create()
    with pytest.raises(Terminal, match="holds a run already: .*--fresh"):
        RunDir(tmp_path).create()


def test_fresh_wipes_the_run_and_nothing_else(tmp_path: Path) -> None:
    directory = RunDir(tmp_path)
    directory.create()
    directory.clickhouse.mkdir()
    (directory.clickhouse / "data").write_text("old")
    (tmp_path / "thesis.txt").write_text("precious")
    directory.create(fresh=True)
    assert not directory.clickhouse.exists()
    assert directory.logs.is_dir()
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_fresh_does_not_wipe_what_no_run_made(tmp_path: Path) -> None:
    (tmp_path / "clickhouse").mkdir()
    (tmp_path / "clickhouse" / "data").write_text("precious")
    with pytest.raises(Terminal, match="was not made by a run"):
        RunDir(tmp_path).create(fresh=True)
    assert (tmp_path / "clickhouse" / "data").read_text() == "precious"


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Terminal, match="cannot be used for a run: "):
        RunDir(tmp_path / "file").create()


def test_reading_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="holds no run: 'retention run FILE --data-dir"):
        RunDir(tmp_path).require()
