"""Lists as a repository's web view reads them, for a renderer that wants four spaces.

CommonMark takes what is indented as far as an item's text for a part of the item: three spaces
after ``1.``, two after ``-``. Python-Markdown wants four, and a blank line before a list; without
them it ends the list and begins to count anew. Invariant: only blanks are changed, and none in code
but those in front of it.
"""

from __future__ import annotations

__all__ = ["indent_lists"]

import re
from typing import NamedTuple

_ITEM = re.compile(r"(?:[-*+]|\d{1,3}[.)])(?: +)(?=\S)")
_FENCE = re.compile(r"(`{3,}|~{3,})")
_STEP = 4
"""Spaces by which Python-Markdown knows what belongs to an item."""


class _Item(NamedTuple):
    """An item that is open."""

    text_at: int
    """Column of its text, as written."""
    moved_to: int
    """Column that what belongs to it gets."""


class _Lists:
    """Goes through a page line by line."""

    def __init__(self) -> None:
        self._open: list[_Item] = []
        self._fence = ""
        """What ends the code that we are in; empty outside of code."""
        self._was_text = False
        """The line before is text that an item has to be parted from: a paragraph of its own."""
        self._was_blank = True

    def lines(self, line: str) -> list[str]:
        """Return what becomes of a line: itself moved, after a blank one where it takes one."""
        text = line.lstrip(" ")
        if not text:
            self._was_text, self._was_blank = False, True
            return [line]
        indent = len(line) - len(text)
        if self._fence:
            if text.rstrip() == self._fence:
                self._fence = ""
            return [self._moved(indent, text)]
        while self._open and indent < self._open[-1].text_at:
            self._open.pop()
        moved = self._moved(indent, text)
        if indent - (self._open[-1].text_at if self._open else 0) >= _STEP:
            return [moved]  # code, or a word of the line before
        fence, item = _FENCE.match(text), _ITEM.match(text)
        self._fence = fence[1] if fence else ""
        parted = [""] if item and self._was_text else []
        is_paragraph = not self._open or self._was_blank or self._was_text
        self._was_text = is_paragraph and not (fence or item) and text[0] not in "|#<>"
        self._was_blank = False
        if item:
            at = len(moved) - len(text)
            self._open.append(_Item(indent + len(item[0]), at + _STEP))
        return [*parted, moved]

    def _moved(self, indent: int, text: str) -> str:
        if not self._open:
            return " " * indent + text
        item = self._open[-1]
        return " " * (item.moved_to + max(0, indent - item.text_at)) + text


def indent_lists(markdown: str) -> str:
    """Return a page's text with what belongs to items of lists indented by four spaces."""
    lists = _Lists()
    return "\n".join(moved for line in markdown.split("\n") for moved in lists.lines(line))
