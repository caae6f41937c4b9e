"""The recogniser that judges."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from support.signals import speech_like
from voxgate.lab.recognition.recogniser import WordRecogniser
from voxgate.lab.recognition.spoken_clips import find_spoken_clips


class ScriptedDecoder:
    """Knows some words, and hears what it is told."""

    made: ClassVar[list[dict[str, Any]]] = []
    heard: ClassVar[str | None] = "one two"

    def __init__(self, **options: Any) -> None:
        path = options["lm"]
        model = "" if path is None else Path(path).read_text(encoding="ascii")
        self.made.append({**options, "model": model})
        self.audio: list[bytes] = []

    def lookup_word(self, word: str) -> str | None:
        return None if word == "xyzzy" else "W"

    def start_utt(self) -> None:
        self.audio.clear()

    def process_raw(self, audio: bytes, *, full_utt: bool) -> None:
        assert full_utt
        self.audio.append(audio)

    def end_utt(self) -> None:
        assert self.audio

    def hyp(self) -> SimpleNamespace | None:
        return None if self.heard is None else SimpleNamespace(hypstr=self.heard)


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedDecoder]:
    module = ModuleType("pocketsphinx")
    module.Decoder = ScriptedDecoder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pocketsphinx", module)
    monkeypatch.setattr(ScriptedDecoder, "made", [])
    return ScriptedDecoder


def test_the_vocabulary_is_what_the_dictionary_knows(decoder: type[ScriptedDecoder]) -> None:
    """Every word of it is as likely as any other, and nothing else is in the model."""
    recogniser = WordRecogniser(["two", "one", "xyzzy", "two"])
    assert recogniser.vocabulary == {"one", "two"}
    model = decoder.made[-1]["model"]
    entries = dict(reversed(line.split()) for line in model.splitlines() if line.startswith("-"))
    assert "ngram 1=4" in model
    assert set(entries) == {"<s>", "</s>", "one", "two"}
    assert entries["one"] == entries["two"]
    total = sum(10 ** float(entries[word]) for word in ("</s>", "one", "two"))
    assert total == pytest.approx(1.0, abs=1e-3)


def test_words_come_back_in_the_order_heard(
    decoder: type[ScriptedDecoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model gets 16 kHz; hearing nothing is no word."""
    recogniser = WordRecogniser(["one", "two"])
    speech = speech_like(400) / 32768.0
    assert recogniser.recognise(speech) == ("one", "two")
    assert len(recogniser._decoder.audio[0]) == 2 * 2 * len(speech)
    monkeypatch.setattr(decoder, "heard", None)
    assert recogniser.recognise(speech) == ()


@pytest.mark.usefixtures("decoder")
def test_a_vocabulary_that_nobody_can_pronounce_is_an_error() -> None:
    """Rather than a recogniser that hears nothing."""
    with pytest.raises(ValueError, match="has none of the words"):
        WordRecogniser(["xyzzy"])


def test_the_packaged_sentences_are_understood() -> None:
    """The real recogniser, where it is installed, gets most words right whatever came before."""
    pytest.importorskip("pocketsphinx")
    clips = [clip for clip in find_spoken_clips(None) if len(clip.words) < 8]
    recogniser = WordRecogniser({word for clip in clips for word in clip.words})
    heard = [recogniser.recognise(clip.audio) for clip in clips]
    right = sum(len(set(h) & set(c.words)) for h, c in zip(heard, clips, strict=True))
    assert right > 0.6 * sum(len(set(clip.words)) for clip in clips)
    recogniser.recognise(np.random.default_rng(1).normal(size=8000) * 0.1)
    assert recogniser.recognise(clips[0].audio) == heard[0]
