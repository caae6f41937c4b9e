"""Files of one call: private, appended to, rewritten at the end."""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from voxgate.recordings import call_files as module
from voxgate.recordings.call_files import CallFiles
from voxgate.recordings.call_folders import folder_name, summary_of
from voxgate.recordings.encryption import decrypted, recipients


def test_files_are_written_as_it_goes(tmp_path: Path) -> None:
    """What was appended is there before anything is closed."""
    files = CallFiles(tmp_path / "root" / "call")
    files.append({"a": b"head one", "b": b"x"})
    files.append({"a": b" two"})
    assert (tmp_path / "root" / "call" / "a").read_bytes() == b"head one two"
    files.close({"a": b"HEAD", "nothing": b"?"})
    assert (tmp_path / "root" / "call" / "a").read_bytes() == b"HEAD one two"
    assert sorted(path.name for path in files.folder.iterdir()) == ["a", "b"]


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    """Neither folders nor files."""
    files = CallFiles(tmp_path / "root" / "call")
    files.append({"a": b"x"})
    files.close({})
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "root").rglob("*")}
    assert modes == {files.folder: 0o700, files.folder / "a": 0o600}
    assert (tmp_path / "root").stat().st_mode & 0o777 == 0o700


def test_a_folder_with_audio_has_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it were no recorded call, and what was written of it would be kept for ever."""
    folder = tmp_path / folder_name(datetime(2026, 11, 22, tzinfo=UTC), "call")
    files = CallFiles(folder)
    monkeypatch.setattr(module._PlainFile, "write", Full.write)
    with pytest.raises(OSError, match="No space left"):
        files.append({"audio.wav": b"RIFF", "trace.jsonl": b"{}\n"})
    files.close({})
    assert summary_of(folder) is not None


def test_a_folder_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    """It is another call's."""
    (tmp_path / "call").mkdir()
    with pytest.raises(FileExistsError):
        CallFiles(tmp_path / "call")


def test_encrypted_files_are_never_plain(tmp_path: Path) -> None:
    """And their heads stay as they are: nobody can write into the middle."""
    pyrage = pytest.importorskip("pyrage")
    owner = pyrage.x25519.Identity.generate()
    files = CallFiles(tmp_path / "call", recipients([str(owner.to_public())]))
    files.append({"a": b"head and "})
    files.append({"a": b"more"})
    files.close({"a": b"HEAD"})
    (path,) = files.folder.iterdir()
    assert path.name == "a.age"
    assert b"more" not in path.read_bytes()
    assert decrypted(path.read_bytes(), str(owner)) == b"head and more"
    assert path.stat().st_mode & 0o777 == 0o600


class Full:
    def write(self, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def seek(self, at: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def close(self) -> None:
        self.is_closed = True


def test_a_disk_that_is_full_is_told_and_all_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error of several."""
    made: list[Full] = []
    monkeypatch.setattr(module, "_made", lambda path: made.append(Full()) or made[-1])
    files = CallFiles(tmp_path / "call")
    with pytest.raises(OSError, match="No space"):
        files.append({"a": b"x"})
    with pytest.raises(OSError, match="No space"):
        files.append({"b": b"x"})
    with pytest.raises(OSError, match="Input/output"):
        files.close({"a": b"HEAD"})
    assert [file.is_closed for file in made] == [True, True]
    files.close({})


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As files without a buffer may do it."""
    kept = bytearray()

    class Short(Full):
        def write(self, data: Any) -> int:
            kept.extend(bytes(data[:3]))
            return min(3, len(data))

    monkeypatch.setattr(module, "_made", lambda path: Short())
    CallFiles(tmp_path / "call").append({"a": b"0123456789"})
    assert bytes(kept) == b"0123456789"
