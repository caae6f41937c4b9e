"""Words: what of a sentence was heard by a time, and whether a text is the agent's own.

Pure functions. Invariant: what was heard is a prefix of what was to be said, cut between words.
"""

from __future__ import annotations

__all__ = ["heard_prefix", "is_echo_of", "is_made_of"]

import re

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_WORD_END = re.compile(r"(?<=\S)(?=\s|\Z)")

_SURE_WORDS = 4
"""Words in a row that a caller hardly ever has in common with the agent by chance."""


def heard_prefix(sentence: str, heard_ratio: float) -> str:
    """Return the words of a sentence that were heard to their end, with the white space between.

    Args:
        sentence: The sentence.
        heard_ratio: Share of its sound that was heard; letters are taken to last equally long.
    """
    n_heard = heard_ratio * len(sentence.rstrip())
    ends = [match.start() for match in _WORD_END.finditer(sentence)]
    return sentence[: max((end for end in ends if end <= n_heard), default=0)]


def is_made_of(text: str, spoken: str) -> bool:
    """Return whether a text has words, and all of them are among those spoken."""
    words = _words(text)
    return bool(words) and set(words) <= set(_words(spoken))


def is_echo_of(text: str, spoken: str) -> bool:
    """Return whether a text is what was spoken, or so much of it that it can be nothing else."""
    words, said = _words(text), _words(spoken)
    if not words or len(words) < min(_SURE_WORDS, len(said)):
        return False
    starts = range(len(said) - len(words) + 1)
    return any(said[start : start + len(words)] == words for start in starts)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
