"""What to say of a name that does not exist: the one probably meant, or all there are."""

from __future__ import annotations

__all__ = ["known_names"]

import difflib
from collections.abc import Iterable


def known_names(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` if a known name is close to ``name``, else all known names."""
    names = tuple(known)
    meant = name.lower().replace("-", "_")
    first_word = meant.partition("_")[0]
    akin = [known for known in names if known.partition("_")[0] == first_word]
    close = difflib.get_close_matches(meant, akin, n=1, cutoff=0.6)
    close = close or difflib.get_close_matches(meant, names, n=1, cutoff=0.7)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"
