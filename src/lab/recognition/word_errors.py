"""Word errors: what was said against what was recognised, and how sure a difference is.

Invariant: differences are paired; both ways were recognised from the same utterances.
"""

from __future__ import annotations

__all__ = ["ErrorRate", "WordErrors", "count_word_errors", "rate_difference", "total_rate"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np

_RESAMPLES = 4000
_SEED = 5
_CENTRAL = (2.5, 97.5)
"""Percentiles of a 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordErrors:
    """What a recogniser made of one utterance."""

    substitutions: int
    deletions: int
    insertions: int
    words: int
    """Words said."""

    @property
    def errors(self) -> int:
        """Words wrong, missing or too many."""
        return self.substitutions + self.deletions + self.insertions


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRate:
    """A word error rate, or the difference of two, with its 95 % interval."""

    percent: float
    """Errors per 100 words said; above 100 where more is heard than was said."""
    low_percent: float
    high_percent: float
    utterances: int
    words: int


def count_word_errors(said: Sequence[str], heard: Sequence[str]) -> WordErrors:
    """Return the fewest errors that turn what was said into what was heard.

    Raises:
        ModuleNotFoundError: jiwer is not installed.
        ValueError: Nothing was said.
    """
    if not said:
        raise ValueError("said: no words")
    counted = import_module("jiwer").process_words(" ".join(said), " ".join(heard))
    return WordErrors(
        substitutions=counted.substitutions,
        deletions=counted.deletions,
        insertions=counted.insertions,
        words=len(said),
    )


def total_rate(utterances: Iterable[WordErrors]) -> ErrorRate:
    """Return the word error rate of all utterances together; 0 with nothing to count."""
    counted = list(utterances)
    return _rate([one.errors for one in counted], [one.words for one in counted])


def rate_difference(first: Sequence[WordErrors], second: Sequence[WordErrors]) -> ErrorRate:
    """Return by how much the first rate is above the second.

    Args:
        first: One an utterance.
        second: Of the same utterances, in the same order.

    Raises:
        ValueError: They are not of the same utterances.
    """
    if [one.words for one in first] != [one.words for one in second]:
        raise ValueError("first, second: are not of the same utterances")
    pairs = zip(first, second, strict=True)
    return _rate([a.errors - b.errors for a, b in pairs], [one.words for one in first])


def _rate(errors: Sequence[int], words: Sequence[int]) -> ErrorRate:
    """Return errors per 100 words, with the interval of the bootstrap over utterances.

    Source: M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals in ASR performance
    evaluation", ICASSP 2004.
    """
    count = len(words)
    if count == 0:
        return ErrorRate(percent=0.0, low_percent=0.0, high_percent=0.0, utterances=0, words=0)
    chosen = np.random.default_rng(_SEED).integers(count, size=(_RESAMPLES, count))
    resampled = np.asarray(errors)[chosen].sum(axis=1) / np.asarray(words)[chosen].sum(axis=1)
    low, high = np.percentile(100.0 * resampled, _CENTRAL)
    return ErrorRate(
        percent=100.0 * sum(errors) / sum(words),
        low_percent=float(low),
        high_percent=float(high),
        utterances=count,
        words=sum(words),
    )
