"""Mermaid diagrams of the documentation, drawn beforehand and kept as SVG files.

A repository's web view draws a ``mermaid`` block by itself. A site would have to load the 3 MB of
Mermaid, from another host by default; here each block becomes the drawing that is kept in
``docs/images/diagrams``. Invariant: a drawing is named for what it was drawn from, so that one that
is behind its block is missing, not wrong.
"""

from __future__ import annotations

__all__ = ["FOLDER", "diagram_name", "inline_diagrams", "mermaid_blocks"]

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

FOLDER = Path("docs/images/diagrams")
"""Where drawings are kept, from the top of the repository."""

_BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def mermaid_blocks(markdown: str) -> list[str]:
    """Return the source of every diagram of a page."""
    return _BLOCK.findall(markdown)


def diagram_name(source: str) -> str:
    """Return the name of the file that a diagram is kept in."""
    return f"{hashlib.sha256(source.encode()).hexdigest()[:12]}.svg"


def inline_diagrams(markdown: str, read: Callable[[str], str]) -> str:
    """Return a page's text with drawings in place of its diagrams.

    Args:
        markdown: The page's text.
        read: Returns the drawing of a name; raises FileNotFoundError where there is none.
    """

    def drawn(found: re.Match[str]) -> str:
        drawing = read(diagram_name(found[1])).strip()
        return f'<figure class="diagram" markdown="0">\n{drawing}\n</figure>\n'

    return _BLOCK.sub(drawn, markdown)
