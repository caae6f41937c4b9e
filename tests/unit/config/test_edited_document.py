"""Keys of a text are changed, and nothing else is."""

from __future__ import annotations

from voxgate.config.edited_document import ABSENT


def test_what_is_not_there_says_so() -> None:
    """In messages and in tests' output."""
    assert repr(ABSENT) == "ABSENT"
