"""What came over the wire, as a terminal or a picture shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.lab.shown_text import shown_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5f0c-4d76", "5f0c-4d76"),
        ("Größe 名前", "Größe 名前"),
        ("a\x1b[31mred", "a?[31mred"),
        ("a\nb\x00", "a?b?"),
        ("\u202eabc\ud83d", "?abc?"),
        ("x" * 81, "x" * 79 + "…"),
    ],
)
def test_nothing_but_what_can_be_seen_is_shown(text: str, shown: str) -> None:
    """No escapes, no ends of lines, no half characters."""
    assert shown_text(text) == shown


@given(st.text(st.characters(), max_size=200))
def test_it_is_always_one_short_line(text: str) -> None:
    """That any terminal can be sent."""
    shown = shown_text(text)
    assert len(shown) <= 80
    assert shown.isprintable()
    shown.encode("utf-8")
