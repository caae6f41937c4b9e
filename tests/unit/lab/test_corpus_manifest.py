"""The manifest of a corpus folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.lab.corpus_manifest import COLUMNS, read_manifest, write_manifest
from voxgate.lab.scenarios.corpus_folder import CorpusError


def row(path: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "x, y") | {"path": path}


def test_what_was_written_is_read_but_for_sounds_that_are_gone(tmp_path: Path) -> None:
    """Commas and all; a folder without a manifest has no rows."""
    assert read_manifest(tmp_path) == []
    (tmp_path / "a.wav").write_bytes(b"")
    write_manifest(tmp_path, [row("a.wav"), row("b.wav")])
    assert read_manifest(tmp_path) == [row("a.wav")]
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".wav"] == ["MANIFEST.csv"]


def test_a_manifest_of_another_kind_is_refused(tmp_path: Path) -> None:
    """It is somebody's own corpus."""
    (tmp_path / "MANIFEST.csv").write_text("path,label\n")
    with pytest.raises(CorpusError, match="use another folder"):
        read_manifest(tmp_path)


def test_a_manifest_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """The path is in the way of nothing else."""
    (tmp_path / "MANIFEST.csv").mkdir()
    with pytest.raises(CorpusError, match=r"MANIFEST\.csv: can't be written: .*"):
        write_manifest(tmp_path, [])
