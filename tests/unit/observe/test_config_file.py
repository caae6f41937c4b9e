"""A file is replaced whole, and only where nobody else has changed it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from voxgate.errors import ConfigError
from voxgate.observe.config_file import ConfigFile


def made(folder: Path, text: str = "a: 1\n") -> ConfigFile:
    path = folder / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    return ConfigFile(path)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_is_replaced_with_its_mode_kept_and_nothing_left_beside_it(tmp_path: Path) -> None:
    """What was there until then is there until then."""
    file = made(tmp_path)
    file.path.chmod(0o640)
    before = file.mark()
    staged = file.stage("a: ü\r\n", "a: 1\n")
    assert file.read() == "a: 1\n"
    assert file.mark() == before
    staged.commit()
    assert file.path.read_bytes() == "a: ü\r\n".encode()
    assert file.path.stat().st_mode & 0o7777 == 0o640
    assert file.mark() != before
    assert names_in(tmp_path) == ["agent.yaml"]


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    """Some editors write one; it is no part of the text that is read."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    file = ConfigFile(path)
    file.stage("a: 2\r\n", file.read()).commit()
    assert path.read_bytes() == b"\xef\xbb\xbfa: 2\r\n"


def test_what_somebody_else_has_changed_is_not_written_over(tmp_path: Path) -> None:
    """Before the text is written beside it, and before it takes the file's place."""
    file = made(tmp_path)
    with pytest.raises(ConfigError, match="changed by somebody else"):
        file.stage("a: 2\n", "a: 0\n")
    staged = file.stage("a: 2\n", "a: 1\n")
    file.path.write_text("a: 3\n")
    with pytest.raises(ConfigError, match="changed by somebody else"):
        staged.commit()
    assert file.read() == "a: 3\n"
    assert names_in(tmp_path) == ["agent.yaml"]


def test_a_text_that_is_not_wanted_any_more_is_removed(tmp_path: Path) -> None:
    """Twice is no harm."""
    file = made(tmp_path)
    staged = file.stage("a: 2\n", "a: 1\n")
    staged.discard()
    staged.discard()
    assert names_in(tmp_path) == ["agent.yaml"]
    assert file.read() == "a: 1\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it points to is replaced, and both folders are watched."""
    (tmp_path / "real").mkdir()
    real = made(tmp_path / "real")
    link = tmp_path / "agent.yaml"
    link.symlink_to(real.path)
    file = ConfigFile(link)
    file.stage("a: 2\n", "a: 1\n").commit()
    assert link.is_symlink()
    assert real.read() == "a: 2\n"
    assert file.folders() == (tmp_path, tmp_path / "real")
    assert real.folders() == (tmp_path / "real",)


def test_a_file_that_is_not_there_is_no_file(tmp_path: Path) -> None:
    """It can't be read, nor written, nor told from itself."""
    file = ConfigFile(tmp_path / "none.yaml")
    assert file.mark() is None
    assert not file.is_writable()
    with pytest.raises(ConfigError, match="can't be read"):
        file.read()


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named with the file; what was begun is removed."""
    file = made(tmp_path)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"can't be written: No space left .*agent\.yaml"):
        file.stage("a: 2\n", "a: 1\n")
    assert names_in(tmp_path) == ["agent.yaml"]


def test_a_text_that_cannot_take_the_files_place_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is as it was."""
    file = made(tmp_path)
    staged = file.stage("a: 2\n", "a: 1\n")

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ConfigError, match="can't be written: Operation not permitted"):
        staged.commit()
    assert file.read() == "a: 1\n"
