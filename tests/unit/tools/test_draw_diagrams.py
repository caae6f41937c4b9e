"""Drawing the diagrams of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from draw_diagrams import page_of, plain_svg


def test_a_page_hands_the_diagram_to_mermaid(tmp_path: Path) -> None:
    """As one word of JavaScript, which can't end the script."""
    page = page_of('flowchart LR\n  a["</script>"] --> b\n', "d", tmp_path / "mermaid.js")
    assert page.count("</script>") == 2
    assert "flowchart LR\\n" in page


def test_a_state_diagram_goes_from_left_to_right(tmp_path: Path) -> None:
    """A loop becomes a note, words stand in two lines."""
    source = "stateDiagram-v2\n    a --> b: x / y\n    a --> a: v / w\n"
    page = page_of(source, "d", tmp_path / "mermaid.js")
    assert "direction LR" in page
    assert "a --> b: x /<br>y" in page
    assert "note left of a: v /<br>w" in page


def test_a_drawing_has_no_colours_of_its_own() -> None:
    """One line, fit to stand in a page."""
    shown = (
        '<pre id="drawn">&lt;svg&gt;&lt;style&gt;a{}&lt;/style&gt;\n &lt;g/&gt;&lt;/svg&gt;</pre>'
    )
    assert plain_svg(shown) == "<svg> <g/></svg>\n"


def test_nothing_drawn_is_an_error() -> None:
    """Not an empty file."""
    with pytest.raises(ValueError, match="nothing"):
        plain_svg('<pre id="drawn"></pre>')
