"""Lists of the documentation, indented for the site."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs_lists import indent_lists

DOCS = Path(__file__).resolve().parents[3] / "docs"


def moved(text: str) -> str:
    return indent_lists(textwrap.dedent(text).strip("\n"))


def test_code_belongs_to_its_item() -> None:
    """So that the next item goes on counting."""
    page = """
        1. First:

           ```yaml
           a:
             b: 1
           ```

           And more.
        2. Second.
        """
    lines = moved(page).splitlines()
    assert lines[2:6] == ["    ```yaml", "    a:", "      b: 1", "    ```"]
    assert lines[7] == "    And more."
    assert lines[8:] == ["", "2. Second."]


def test_a_list_in_a_list() -> None:
    """Each level has its own four spaces."""
    page = """
        - One,
          which goes on
          - inside

            text of the inner one
        - Two
        """
    assert moved(page).splitlines() == [
        "- One,",
        "    which goes on",
        "    - inside",
        "",
        "        text of the inner one",
        "",
        "- Two",
    ]


def test_a_list_is_parted_from_the_text_before_it() -> None:
    """One blank line, and none between items."""
    assert moved("text:\n- a\n- b") == "text:\n\n- a\n- b"
    assert moved("1. a\n\n   b\n2. c") == "1. a\n\n    b\n\n2. c"
    assert moved("text:\n\n- a\n\n- b") == "text:\n\n- a\n\n- b"


@pytest.mark.parametrize(
    "page",
    [
        "# A\n\ntext\nmore text\n",
        "```text\n1. a\n   b\n- c\n```\n",
        "| a | b |\n|---|---|\n| - | 1. |\n",
        "    code\n    - more of it\n",
        "-5 degrees, 3.5 of them\n",
        "**bold** and *more*\n",
    ],
)
def test_what_is_no_list_stays(page: str) -> None:
    """To the letter."""
    assert indent_lists(page) == page


@given(st.text(alphabet="a1.-* `\n|#", max_size=80))
def test_only_blanks_change(page: str) -> None:
    """Whatever the page."""
    assert indent_lists(page).split() == page.split()


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_a_page_loses_nothing(page: Path) -> None:
    """Neither a word nor a line."""
    text = page.read_text(encoding="utf-8")
    lines = [line.strip() for line in indent_lists(text).split("\n") if line.strip()]
    assert lines == [line.strip() for line in text.split("\n") if line.strip()]
