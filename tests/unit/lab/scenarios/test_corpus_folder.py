"""A bank of a folder of sound files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.sound_banks import write_corpus
from voxgate.lab.scenarios.corpus_folder import CorpusError, FoundClip, build_bank, find_clips


def test_kinds_are_folders_in_any_layout(tmp_path: Path) -> None:
    """Speech is named for its folder, everything else for its file."""
    found = [(clip.kind, clip.source, clip.speaker) for clip in find_clips(write_corpus(tmp_path))]
    assert found == [
        ("speech", "ann", "ann"),
        ("speech", "ann", "ann"),
        ("speech", "bob", "bob"),
        ("music", "music", "song"),
        ("noise", "down", "hiss"),
        ("rir", "rir", "hall"),
    ]


def test_a_manifest_names_source_speaker_and_licence(tmp_path: Path) -> None:
    """What it does not name keeps the names of its folder."""
    write_corpus(tmp_path)
    rows = "path,source,speaker,licence\nspeech/ann/one.wav,package,Ann B.,CC0-1.0\n"
    (tmp_path / "MANIFEST.csv").write_text(rows)
    first, second = list(find_clips(tmp_path))[:2]
    assert (first.source, first.speaker, first.licence) == ("package", "Ann B.", "CC0-1.0")
    assert (second.source, second.speaker, second.licence) == ("ann", "ann", "unknown")


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(CorpusError, match="nowhere: is no folder"):
        list(find_clips(tmp_path / "nowhere"))


def test_a_manifest_without_paths_is_refused(tmp_path: Path) -> None:
    """A file of that name that is something else is no reason to guess."""
    (tmp_path / "MANIFEST.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CorpusError, match="no column `path`"):
        list(find_clips(tmp_path))


def test_what_can_not_be_used_is_left_out() -> None:
    """Unreadable, silent and all too short clips; the others lie one after the other."""
    audio = [None, np.zeros(1000), np.ones(100), np.ones(200), np.full(300, -0.5)]

    def clip(number: int) -> FoundClip:
        return FoundClip(
            kind="noise", source="a", speaker=str(number), licence="", read=lambda: audio[number]
        )

    bank = build_bank(clip(number) for number in range(len(audio)))
    assert [(c.speaker, c.start, c.length) for c in bank.clips] == [("3", 0, 200), ("4", 200, 300)]
    assert len(bank.samples) == 500


def test_a_bank_of_nothing_is_empty() -> None:
    """A folder without sounds is no error here."""
    assert build_bank([]).clips == ()
