"""A speech recogniser for words of a small vocabulary: CMU Pocketsphinx with its own model.

Any word may follow any other with the same probability, so that nothing but the sound decides.
Invariant: what was heard before does not show in what is recognised.
"""

from __future__ import annotations

__all__ = ["WordRecogniser"]

import math
import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ...core.resample import Resampler
from ..scenarios.signals import RATE_HZ, Audio

_MODEL_RATE_HZ = 16_000
_UPPER_HZ = 3800.0
"""Telephone audio has nothing above; the model's own filters reach to 6800 Hz."""
_END_PROB = 0.2
"""Of an utterance to end after a word; about five words are said."""
_FULL_SCALE = 32767.0


class WordRecogniser:
    """Recognises words of a vocabulary in telephone audio.

    Args:
        vocabulary: What may be said; words that the pronouncing dictionary lacks are left out.

    Raises:
        ModuleNotFoundError: pocketsphinx is not installed.
        ValueError: The dictionary has none of the words.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        sphinx = import_module("pocketsphinx")
        known = sphinx.Decoder(lm=None, loglevel="FATAL")
        self.vocabulary = frozenset(w for w in vocabulary if known.lookup_word(w) is not None)
        """The words that can be recognised."""
        if not self.vocabulary:
            raise ValueError("vocabulary: the pronouncing dictionary has none of the words")
        with tempfile.TemporaryDirectory(prefix="voxgate-words-") as folder:
            path = Path(folder) / "words.arpa"
            path.write_text(_language_model(sorted(self.vocabulary)), encoding="ascii")
            self._decoder: Any = sphinx.Decoder(
                lm=str(path),
                upperf=_UPPER_HZ,
                # Further passes weigh sequences of words, and here all are alike.
                fwdflat=False,
                bestpath=False,
                loglevel="FATAL",
            )

    def recognise(self, audio: Audio) -> tuple[str, ...]:
        """Return the words heard in an utterance: float [shape=(n,), mono, 8 kHz], +-1."""
        pcm = np.clip(np.round(audio * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE).astype(np.int16)
        wide = Resampler(RATE_HZ, _MODEL_RATE_HZ).process(pcm)
        self._decoder.start_utt()
        self._decoder.process_raw(wide.tobytes(), full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return () if heard is None else tuple(heard.hypstr.split())


def _language_model(words: list[str]) -> str:
    """Return a unigram model in ARPA format: every word is as likely as any other."""
    word_log = math.log10((1.0 - _END_PROB) / len(words))
    lines = [
        "\\data\\",
        f"ngram 1={len(words) + 2}",
        "",
        "\\1-grams:",
        f"{math.log10(_END_PROB):.4f} </s>",
        "-99 <s>",
        *(f"{word_log:.4f} {word}" for word in words),
        "",
        "\\end\\",
        "",
    ]
    return "\n".join(lines)
