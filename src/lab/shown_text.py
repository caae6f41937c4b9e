"""What came over the wire, as a terminal or a picture shows it.

Invariant: whatever somebody named a call or a provider, it moves no cursor, begins no line, and is
no longer than it may be.
"""

from __future__ import annotations

__all__ = ["shown_text"]

_LONGEST = 80


def shown_text(text: str, *, longest: int = _LONGEST) -> str:
    """Return text in one line, with ``?`` for all that is no letter, sign or space.

    Args:
        text: From a line or a provider.
        longest: Characters at most; of more the end is left out.
    """
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(each if each.isprintable() else "?" for each in cut)
