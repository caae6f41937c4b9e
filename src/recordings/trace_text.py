"""The lines of a trace as they lie in its file, numbered.

Invariant: what a line takes to be read is bounded, whoever wrote it; what is behind the last end of
a line was cut off, and is none.
"""

from __future__ import annotations

__all__ = ["TraceText", "tree_or_none"]

from collections.abc import Iterator

from .trace_lines import Tree, tree_of_line

_MAX_LINE_BYTES = 8_000_000
"""More than any piece of audio that a line delivers at once takes in base64."""


class TraceText:
    """A trace.

    Args:
        text: What its file holds.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._length = text.rfind(b"\n") + 1

    def lines(self) -> Iterator[tuple[int, Tree | None]]:
        """Yield each line's number, from 1, and what it holds; None where that can't be read."""
        at = number = 0
        while at < self._length:
            end = self._text.index(b"\n", at)
            number += 1
            yield number, self._parsed(at, end)
            at = end + 1

    def last(self, n_lines: int) -> Iterator[Tree | None]:
        """Yield what the last lines hold, the last one first."""
        end = self._length - 1
        while end >= 0 and n_lines > 0:
            at = self._text.rfind(b"\n", 0, end) + 1
            yield self._parsed(at, end)
            end, n_lines = at - 1, n_lines - 1

    def _parsed(self, at: int, end: int) -> Tree | None:
        return tree_or_none(self._text[at:end]) if end - at <= _MAX_LINE_BYTES else None


def tree_or_none(line: bytes) -> Tree | None:
    """Return what a line holds; None where that can't be read."""
    try:
        return tree_of_line(line)
    except (ValueError, RecursionError):
        return None
