"""What was heard is whole words from the start; echo is told by its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.providers.local.words import heard_prefix, is_echo_of, is_made_of

SENTENCE = "We are open on Sunday. "


@pytest.mark.parametrize(
    ("ratio", "heard"),
    [(0.0, ""), (0.05, ""), (0.1, "We"), (0.3, "We are"), (0.99, "We are open on"),
     (1.0, "We are open on Sunday.")],
)  # fmt: skip
def test_words_are_heard_when_their_share_of_the_sound_was(ratio: float, heard: str) -> None:
    """A word that was cut is none."""
    assert heard_prefix(SENTENCE, ratio) == heard


@given(st.text(max_size=60), st.floats(0, 1), st.floats(0, 1))
def test_more_time_never_takes_words_back(text: str, one: float, other: float) -> None:
    """And what was heard is a prefix."""
    less, more = sorted((one, other))
    assert text.startswith(heard_prefix(text, more))
    assert heard_prefix(text, more).startswith(heard_prefix(text, less))


@pytest.mark.parametrize(
    ("text", "is_made"),
    [("open", True), ("sunday WE", True), ("open today", False), ("", False), ("?", False)],
)
def test_a_text_made_of_the_agent_s_words(text: str, *, is_made: bool) -> None:
    """In any order; nothing is no evidence."""
    assert is_made_of(text, SENTENCE) is is_made


@pytest.mark.parametrize(
    ("text", "spoken", "is_echo"),
    [
        ("we are open on", SENTENCE, True),
        ("are open on Sunday?", SENTENCE, True),
        ("sunday", SENTENCE, False),
        ("open on sunday", SENTENCE, False),
        ("on open are we", SENTENCE, False),
        ("we are open on monday", SENTENCE, False),
        ("yes please", "Yes, please.", True),
        ("yes", "Yes, please.", False),
        ("", SENTENCE, False),
        ("", "", False),
        ("hello", "", False),
    ],
)
def test_an_echo_is_so_much_of_what_was_said_that_it_is_nothing_else(
    text: str, spoken: str, *, is_echo: bool
) -> None:
    """A caller picks a word or three out of a question; nobody repeats four in a row."""
    assert is_echo_of(text, spoken) is is_echo
