"""``voxgate report``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.recorded_calls import make_recorded_call
from voxgate.cli.report import command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_recorded_call(tmp_path / "calls")


def report(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_a_call_becomes_a_page_named_for_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder in which one stands."""
    monkeypatch.chdir(tmp_path)
    result = report("call", "--folder", str(folder.parent))
    assert result.exit_code == 0, result.output
    page = tmp_path / f"{folder.name}.html"
    assert result.stdout.startswith(f"{page.name} (")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_page_and_picture_go_where_they_are_wanted(folder: Path, tmp_path: Path) -> None:
    """Folders are made."""
    page, picture = tmp_path / "a" / "b.html", tmp_path / "c" / "d.png"
    result = report(str(folder), "--out", str(page), "--png", str(picture))
    assert result.exit_code == 0, result.output
    assert page.stat().st_size > 100_000
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_picture_alone_is_a_picture_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page is written that was not asked for."""
    monkeypatch.chdir(tmp_path)
    assert report(str(folder), "--png", "d.png").exit_code == 0
    assert list(tmp_path.glob("*.html")) == []
    assert (tmp_path / "d.png").is_file()


def test_what_can_not_be_read_is_status_2(tmp_path: Path) -> None:
    """A call that is not there, a configuration that is wrong."""
    result = report("none", "--folder", str(tmp_path))
    assert result.exit_code == 2
    assert "no call among" in result.stderr
    config = tmp_path / "a.yaml"
    config.write_text("vad: {x: 1}\n")
    assert report("none", "--config", str(config)).exit_code == 2


def test_what_can_not_be_written_is_status_1(folder: Path, tmp_path: Path) -> None:
    """A line, no traceback."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    result = report(str(folder), "--out", str(blocked / "x.html"))
    assert result.exit_code == 1
    assert str(blocked) in result.stderr
