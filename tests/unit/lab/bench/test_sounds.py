"""What a bench's calls are made of."""

from __future__ import annotations

from pathlib import Path

from support.sound_banks import write_corpus
from voxgate.lab.bench.sounds import ALL, describe_split, gather_sounds
from voxgate.lab.scenarios.bank import SPLITS, assign_split


def test_a_corpus_is_used_as_it_is(tmp_path: Path) -> None:
    """Nothing synthetic is added, and there is nothing to say."""
    sounds = gather_sounds(write_corpus(tmp_path))
    assert sounds.counts == {"speech": 3, "music": 1, "noise": 1, "rir": 1}
    assert sounds.speakers == 2
    assert sounds.has_measured_rooms
    assert sounds.notes == ()


def test_without_a_corpus_synthetic_sounds_serve_and_are_named() -> None:
    """Every kind that calls are made of is there."""
    sounds = gather_sounds(None)
    assert {"speech", "music", "noise"} <= set(sounds.counts)
    assert sounds.speakers >= 2
    assert not sounds.has_measured_rooms
    assert [note.partition(":")[0] for note in sounds.notes] == [
        "speech",
        "music",
        "noise",
        "rooms",
    ]


def test_a_split_leaves_the_others_out(tmp_path: Path) -> None:
    """What the corpus lacks for it is synthetic, and said."""
    write_corpus(tmp_path)
    splits = {assign_split("speech", name, name) for name in ("ann", "bob")}
    sounds = gather_sounds(tmp_path, "report")
    assert {clip.split for clip in sounds.bank.clips} == {"report"}
    has_speech = "report" in splits
    assert any(note.startswith("speech") for note in sounds.notes) != has_speech


def test_every_split_says_whether_training_may_have_used_its_clips() -> None:
    """Figures on voices that a detector was trained on flatter it."""
    described = {split: describe_split(split) for split in (ALL, *SPLITS)}
    assert described["all"] == "split: all (clips that training may have used are among them)"
    assert described["report"] == "split: report (clips that training leaves out)"
    assert all(text.startswith(f"split: {split} (") for split, text in described.items())
