"""A bank of clips."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.corpus_packages import PACKAGES
from voxgate.lab.scenarios.bank import SPLITS, assign_split, load_bank, save_bank


def test_clips_are_found_by_kind_source_and_speaker() -> None:
    """Only clips of the split asked for."""
    bank = small_bank()
    assert len(bank.select("speech", SPLIT)) == 4
    assert [clip.speaker for clip in bank.spoken_by("made/bob", SPLIT)] == ["bob", "bob"]
    assert set(bank.sources("noise", SPLIT)) == {"made"}
    assert bank.select("speech", "train") == []
    with pytest.raises(KeyError):
        bank.spoken_by("made/bob", "train")


def test_audio_is_scaled_to_its_peak() -> None:
    """Levels are set where clips are used, so all clips are as loud as they can be."""
    bank = small_bank()
    for clip in bank.clips:
        audio = bank.audio(clip)
        assert len(audio) == clip.length
        assert np.max(np.abs(audio)) == pytest.approx(32000 / 32768)


def test_a_bank_that_was_saved_is_the_same(tmp_path: Path) -> None:
    """Clip for clip and sample for sample."""
    save_bank(small_bank(), tmp_path / "bank")
    loaded = load_bank(tmp_path / "bank")
    assert loaded.clips == small_bank().clips
    assert np.array_equal(loaded.samples, small_bank().samples)


def test_splits_are_stable_and_of_the_shares_promised() -> None:
    """A name is in one split for ever: these were computed once."""
    found = [assign_split("noise", "source", f"noise {n}") for n in range(4000)]
    shares = {split: count / len(found) for split, count in Counter(found).items()}
    assert shares == pytest.approx({"train": 0.74, "tune": 0.12, "report": 0.14}, abs=0.03)
    assert set(shares) == set(SPLITS)
    assert found[:6] == [assign_split("noise", "source", f"noise {n}") for n in range(6)]


def test_a_person_is_in_one_split_wherever_their_voice_comes_from() -> None:
    """However the name is written; other people are spread over all splits."""
    for n in range(40):
        names = (f"Jo Smith {n}", f"jo_smith_{n}", f"jo-smith {n}")
        assert len({assign_split("speech", f"of {name}", name) for name in names}) == 1
    people = Counter(assign_split("speech", "source", f"person {n}") for n in range(400))
    assert set(people) == set(SPLITS)


def test_every_split_has_a_voice_of_the_required_prompts() -> None:
    """With nothing else, a detector can still be trained, tuned and judged on other people."""
    voices = [p for p in PACKAGES if p.kind == "speech" and p.is_required]
    splits = {p.speaker: assign_split(p.kind, p.name, p.speaker) for p in voices}
    assert set(splits.values()) == set(SPLITS)
    assert splits["allison_smith"] == "train"
