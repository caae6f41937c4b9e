"""The conversation has of the agent's words those that were heard."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.local_agent.reply import FunctionAnswered, FunctionAsked, Role, Said
from voxgate.providers.local.history import History

FIRST, SECOND = "We are open. ", "From nine to five."


def told(*durations_ms: float, is_whole: bool = True) -> History:
    """Return a history in which two sentences were spoken, each so long."""
    history = History()
    history.hear("When?")
    history.begin_item("item-1")
    for text, duration_ms in zip((FIRST, SECOND), durations_ms, strict=False):
        history.begin_sentence("item-1", text)
        history.add_audio("item-1", duration_ms)
        if is_whole:
            history.end_sentence("item-1")
    return history


def agent_text(history: History) -> str:
    return " | ".join(
        item.text for item in history.items if isinstance(item, Said) and item.role is Role.AGENT
    )


def test_what_was_said_is_remembered_in_order() -> None:
    """An item without a word is not."""
    history = told(1000.0, 1000.0)
    history.begin_item("item-2")
    assert history.items == (Said(Role.CALLER, "When?"), Said(Role.AGENT, FIRST + SECOND))
    assert history.last_spoken == FIRST + SECOND


@pytest.mark.parametrize(
    ("heard_ms", "heard", "rest"),
    [
        (0.0, "", FIRST + SECOND),
        (500.0, "We are", FIRST + SECOND),
        (1000.0, "We are open.", SECOND),
        (1500.0, "We are open. From nine", SECOND),
        (2000.0, "We are open. From nine to five.", ""),
        (9000.0, "We are open. From nine to five.", ""),
    ],
)
def test_an_item_that_was_cut_off_ends_where_it_was_heard(
    heard_ms: float, heard: str, rest: str
) -> None:
    """Between words; what is left to say begins with a sentence."""
    history = told(1000.0, 1000.0)
    assert history.truncate("item-1", heard_ms) == rest
    assert agent_text(history) == heard
    assert history.text_of("item-1") == heard
    assert history.truncate("item-1", 9000.0) == "", "it is cut once"


def test_a_sentence_whose_sound_is_not_all_there_is_as_long_as_people_take() -> None:
    """Else its first 100 ms would be all of it."""
    history = told(100.0, is_whole=False)
    history.truncate("item-1", 100.0)
    assert agent_text(history) == ""


def test_what_has_no_sound_was_not_heard() -> None:
    """The voice has failed in the second sentence."""
    history = told(1000.0, 0.0)
    history.truncate("item-1", math.inf)
    assert agent_text(history) == "We are open."


def test_functions_stand_with_their_results() -> None:
    """All of an answer's, or none."""
    history = told(1000.0)
    asked = FunctionAsked(function_call_id="a", name="time")
    answered = FunctionAnswered(function_call_id="a", result="12")
    history.add_functions([asked], [answered])
    assert history.items[-2:] == (asked, answered)
    assert history.last_spoken == FIRST


def test_an_item_that_nobody_knows_changes_nothing() -> None:
    """It may have been forgotten."""
    history = told(1000.0)
    history.begin_sentence("item-9", "x")
    history.add_audio("item-9", 5.0)
    history.end_sentence("item-9")
    assert history.truncate("item-9", 5.0) == ""
    assert history.text_of("item-9") == ""
    assert agent_text(history) == FIRST.strip()


def test_a_long_call_is_bounded() -> None:
    """The oldest goes."""
    history = History()
    for number in range(200):
        history.hear(str(number))
    assert next(item.text for item in history.items if isinstance(item, Said)) == "136"
    assert len(history.items) == 64
    assert history.last_spoken == ""


@given(st.lists(st.tuples(st.text(max_size=20), st.floats(1, 3000))), st.floats(0, 20_000))
def test_what_was_heard_is_always_a_prefix(
    sentences: list[tuple[str, float]], heard_ms: float
) -> None:
    """And with the rest nothing is lost."""
    history = History()
    history.begin_item("item-1")
    for text, duration_ms in sentences:
        history.begin_sentence("item-1", text)
        history.add_audio("item-1", duration_ms)
        history.end_sentence("item-1")
    whole = "".join(text for text, _ in sentences)
    rest = history.truncate("item-1", heard_ms)
    assert whole.strip().startswith(history.text_of("item-1"))
    assert whole.endswith(rest)
