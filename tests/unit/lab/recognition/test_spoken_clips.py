"""Clips whose words are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.recordings import write_wav
from support.signals import silence, speech_like
from voxgate.lab.recognition.spoken_clips import find_spoken_clips, split_words
from voxgate.lab.scenarios.corpus_folder import CorpusError


def sound(path: Path, seed: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, speech_like(400, seed=seed))


def test_words_are_told_from_punctuation() -> None:
    """Case and marks do not count; an apostrophe belongs to its word, typed or typeset."""
    text = "Hello \N{EM DASH} it's me: don\N{RIGHT SINGLE QUOTATION MARK}t go, 24 hours!"
    assert split_words(text) == ("hello", "it's", "me", "don't", "go", "24", "hours")


def test_prompts_of_one_word_are_known_by_their_names(tmp_path: Path) -> None:
    """Digits, days, months and the phonetic alphabet; other prompts are left out."""
    folder = tmp_path / "speech/asterisk-core-sounds-en-wav/asterisk/sounds/en_US_f_Allison"
    names = ("digits/7", "digits/day-2", "digits/mon-0", "phonetic/q_p", "digits/13", "letters/a")
    for seed, name in enumerate(names):
        sound(folder / f"{name}.wav", seed)
    clips = find_spoken_clips(tmp_path)
    assert {clip.words for clip in clips} == {("seven",), ("tuesday",), ("january",), ("quebec",)}
    assert len({clip.speaker for clip in clips}) == 1
    assert all(len(clip.audio) == 3200 for clip in clips)


def test_a_table_of_transcripts_gives_the_words_of_any_file(tmp_path: Path) -> None:
    """The speaker is the table's, or the folder's."""
    sound(tmp_path / "speech/ann/one.wav")
    sound(tmp_path / "speech/bob/two.wav")
    (tmp_path / "TRANSCRIPTS.csv").write_text(
        'path,text,speaker\nspeech/ann/one.wav,"Yes, please.",\nspeech/bob/two.wav,Stop!,robert\n'
    )
    clips = find_spoken_clips(tmp_path)
    assert [(clip.words, clip.speaker) for clip in clips] == [
        (("yes", "please"), "ann"),
        (("stop",), "robert"),
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,words\n", "has no columns `path` and `text`"),
        ("path,text\nspeech/none.wav,hello\n", "line 2: speech/none.wav is no sound"),
    ],
)
def test_a_table_that_can_not_be_used_is_told(tmp_path: Path, table: str, message: str) -> None:
    """With the file and the line."""
    (tmp_path / "TRANSCRIPTS.csv").write_text(table)
    with pytest.raises(CorpusError, match=message):
        find_spoken_clips(tmp_path)


def test_clips_without_words_or_sound_are_left_out(tmp_path: Path) -> None:
    """They would tell nothing of a recogniser."""
    sound(tmp_path / "a.wav")
    write_wav(tmp_path / "b.wav", silence(400))
    sound(tmp_path / "c.wav")
    (tmp_path / "TRANSCRIPTS.csv").write_text("path,text\na.wav,...\nb.wav,hello\nc.wav,yes\n")
    assert [clip.words for clip in find_spoken_clips(tmp_path)] == [("yes",)]


@pytest.mark.parametrize("has_folder", [False, True])
def test_without_known_words_the_packaged_sentences_serve(
    tmp_path: Path, *, has_folder: bool
) -> None:
    """Two voices, each with several sentences."""
    clips = find_spoken_clips(tmp_path if has_folder else None)
    assert len({clip.speaker for clip in clips}) == 2
    assert any("stop" in clip.words for clip in clips)
    assert all(0.0 < np.max(np.abs(clip.audio)) <= 1.0 for clip in clips)
