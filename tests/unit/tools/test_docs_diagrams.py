"""Diagrams of the documentation."""

from __future__ import annotations

import pytest

from docs_diagrams import diagram_name, inline_diagrams, mermaid_blocks

PAGE = "# A\n\n```mermaid\nflowchart LR\n    a --> b\n```\n\n```python\nx = 1\n```\n"
SOURCE = "flowchart LR\n    a --> b\n"


def test_a_block_becomes_its_drawing() -> None:
    """Other code stays code."""
    drawings = {diagram_name(SOURCE): "<svg>a to b</svg>\n"}
    page = inline_diagrams(PAGE, drawings.__getitem__)
    assert "<svg>a to b</svg>\n</figure>" in page
    assert "mermaid" not in page
    assert "```python\nx = 1\n```" in page


def test_a_changed_diagram_has_another_name() -> None:
    """So that an old drawing is never shown for it."""
    assert mermaid_blocks(PAGE) == [SOURCE]
    assert diagram_name(SOURCE) != diagram_name(SOURCE.replace("b", "c"))


def test_a_diagram_that_is_not_drawn_is_no_silent_gap() -> None:
    """The error of the reader goes through."""

    def missing(name: str) -> str:
        raise FileNotFoundError(name)

    with pytest.raises(FileNotFoundError):
        inline_diagrams(PAGE, missing)
