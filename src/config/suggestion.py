"""What to say of a name that does not exist: the one probably meant, or all there are."""

from __future__ import annotations

__all__ = ["known_names", "likely_keys"]

import difflib
from collections.abc import Iterable

_MIN_PART = 3
"""Characters from which a word is taken for a part of a name."""
_MAX_SUGGESTED = 2
"""Most names that are suggested; of more, all that are known are listed."""
_MAX_KEYS = 3
"""Most keys that are suggested."""


def known_names(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` if a known name is close to ``name``, else all known names.

    A part of a longer name, its end before its beginning, counts for more than a resemblance.
    """
    names = tuple(known)
    meant = name.lower().replace("-", "_")
    if meant not in names and (longer := _longer_names(meant, names)):
        return f"did you mean {' or '.join(map(repr, longer))}?"
    first_word = meant.partition("_")[0]
    akin = [known for known in names if known.partition("_")[0] == first_word]
    close = difflib.get_close_matches(meant, akin, n=1, cutoff=0.6)
    close = close or difflib.get_close_matches(meant, names, n=1, cutoff=0.7)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"


def likely_keys(key: str, keys: Iterable[str]) -> list[str]:
    """Return the dotted keys that are probably meant by one that does not exist, at most three.

    Those that end in the same name count before those that look alike; of several sections each
    has its say before another provider's.
    """
    known = list(keys)
    last = key.rpartition(".")[2]
    meant = [name for name in known if name.rpartition(".")[2] == last]
    by_section = {name.partition(".")[0]: name for name in reversed(meant)}
    firsts = [name for name in meant if name in by_section.values()]
    meant = [*firsts, *(name for name in meant if name not in firsts)]
    return meant[:_MAX_KEYS] or difflib.get_close_matches(key, known, n=_MAX_KEYS, cutoff=0.6)


def _longer_names(meant: str, names: tuple[str, ...]) -> list[str]:
    """Return the names that end, or else begin, with a word, unless they are too many to choose."""
    if len(meant) < _MIN_PART:
        return []
    ends = [name for name in names if name.endswith(f"_{meant}")]
    found = ends or [name for name in names if name.startswith(f"{meant}_")]
    return found if len(found) <= _MAX_SUGGESTED else []
