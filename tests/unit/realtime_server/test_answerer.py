"""The scripted answerer picks sentences by what happened."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.realtime_server.answerer import (
    DEFAULT_REPLIES,
    AnswerRequest,
    ScriptedAnswerer,
)
from voxgate.realtime_server.voice_library import agent_voices


def chosen(answerer: ScriptedAnswerer, **request: Any) -> str:
    """Return the id of the line that a request gets."""
    return answerer.choose(AnswerRequest(**{"turns_heard": 1, **request})).id


def test_before_any_turn_it_greets() -> None:
    """And the greeting uses up no reply."""
    answerer = ScriptedAnswerer(["goodbye"])
    assert chosen(answerer, turns_heard=0) == "greeting"
    assert chosen(answerer, turns_heard=0, instructions="Be nice to the caller.") == "greeting"
    assert chosen(answerer) == "goodbye"


def test_turns_get_the_replies_in_order_and_again() -> None:
    """After the last reply comes the first."""
    answerer = ScriptedAnswerer(["repeat", "goodbye"])
    assert [chosen(answerer) for _ in range(5)] == [
        "repeat",
        "goodbye",
        "repeat",
        "goodbye",
        "repeat",
    ]


def test_the_default_answers_an_interruption_with_go_on() -> None:
    """And then goes on with the replies where it was."""
    answerer = ScriptedAnswerer()
    assert chosen(answerer) == DEFAULT_REPLIES[0]
    assert chosen(answerer, was_interrupted=True) == "go_on"
    assert chosen(answerer) == DEFAULT_REPLIES[1]


def test_replies_given_are_followed_to_the_letter() -> None:
    """A test that names its replies gets those, interrupted or not."""
    answerer = ScriptedAnswerer(["service_time", "card_payment"])
    assert chosen(answerer) == "service_time"
    assert chosen(answerer, was_interrupted=True) == "card_payment"


@pytest.mark.parametrize("field", ["instructions", "text"])
def test_a_sentence_asked_for_is_said(field: str) -> None:
    """Word for word in an instruction or in a text item; uses up no reply."""
    answerer = ScriptedAnswerer(["repeat"])
    wanted = agent_voices()["goodbye"].text
    assert chosen(answerer, **{field: f"Now say: {wanted}"}) == "goodbye"
    assert chosen(answerer, turns_heard=0, **{field: wanted}) == "goodbye"
    assert chosen(answerer) == "repeat"


def test_a_sentence_in_the_session_instructions_is_not_asked_for() -> None:
    """Those describe the agent; they are there with every answer."""
    answerer = ScriptedAnswerer(["repeat"])
    goodbye = agent_voices()["goodbye"].text
    assert chosen(answerer, session_instructions=f"In the end, say: {goodbye}") == "repeat"


def test_silence_is_answered_with_a_question() -> None:
    """The caller is asked whether they are still there."""
    assert chosen(ScriptedAnswerer(), was_idle=True) == "still_there"


async def test_an_answer_is_one_piece_of_speech() -> None:
    """Text and sound of the line chosen."""
    request = AnswerRequest(turns_heard=1)
    pieces = [piece async for piece in ScriptedAnswerer(["go_on"]).answer(request)]
    line = agent_voices()["go_on"]
    assert [(p.text, p.audio, p.audio_format) for p in pieces] == [
        (line.text, line.audio, line.audio_format)
    ]


def test_replies_that_do_not_exist_are_refused() -> None:
    """With the names of those that do."""
    with pytest.raises(ValueError, match=r"'nope' is not one of hello, greeting"):
        ScriptedAnswerer(["nope"])
    with pytest.raises(ValueError, match="empty"):
        ScriptedAnswerer([])
