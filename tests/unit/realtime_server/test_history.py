"""A conversation as a reply sees it."""

from __future__ import annotations

from typing import Any

from support.realtime_client import MULAW
from voxgate.local_agent.reply import FunctionAnswered, FunctionAsked, Role, Said
from voxgate.realtime_server.conversation import ConversationItem
from voxgate.realtime_server.history import history_of, system_text_of


def message(role: str, *parts: dict[str, Any]) -> ConversationItem:
    """Return a message."""
    body = {"id": "m", "type": "message", "role": role, "content": list(parts)}
    return ConversationItem(id="m", body=body, audio_format=MULAW)


def caller(words: str | None) -> ConversationItem:
    """Return a spoken turn, recognised or not."""
    item = message("user", {"type": "input_audio", "transcript": None})
    if words is not None:
        item.set_transcript(words)
    return item


def agent(*pieces: str) -> ConversationItem:
    """Return an answer of 160 ms a piece."""
    item = message("assistant", {"type": "output_audio", "transcript": " ".join(pieces)})
    for piece in pieces:
        item.add_audio(b"\x55" * 160 * 8, piece)
    return item


def test_both_sides_are_told_in_order() -> None:
    """Spoken and written turns alike."""
    written = message("user", {"type": "input_text", "text": "And"}, {"type": "input_image"})
    reply = message("assistant", {"type": "output_text", "text": "Yes."})
    assert history_of([caller("Hello"), agent("Good", "day."), written, reply]) == (
        Said(Role.CALLER, "Hello"),
        Said(Role.AGENT, "Good day."),
        Said(Role.CALLER, "And"),
        Said(Role.AGENT, "Yes."),
    )


def test_of_an_answer_that_was_cut_only_what_was_heard_is_told() -> None:
    """Words whose audio was kept whole; nothing at all of one that nobody heard."""
    cut, unheard = agent("One", "two", "three"), agent("Four")
    cut.truncate(0, 330)
    unheard.truncate(0, 0)
    assert history_of([cut, unheard]) == (Said(Role.AGENT, "One two"),)


def test_a_turn_without_words_is_told_only_at_the_end() -> None:
    """There it wants an answer; before, it has had one."""
    assert history_of([caller(""), agent("Pardon?"), caller(None)]) == (
        Said(Role.AGENT, "Pardon?"),
        Said(Role.CALLER, ""),
    )


def test_functions_keep_the_ids_by_which_they_belong_together() -> None:
    """What was asked for and what came of it."""
    asked = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
    answered = {"type": "function_call_output", "call_id": "c1", "output": '"sun"'}
    items = [ConversationItem(id="i", body=body) for body in (asked, answered)]
    assert history_of(items) == (
        FunctionAsked(function_call_id="c1", name="weather", arguments="{}"),
        FunctionAnswered(function_call_id="c1", result='"sun"'),
    )


def test_a_word_to_the_model_is_not_said_by_anybody() -> None:
    """System messages are apart."""
    items = [message("system", {"type": "input_text", "text": text}) for text in ("A", "B")]
    assert history_of(items) == ()
    assert system_text_of([*items, caller("x")]) == "A\n\nB"


def test_of_a_long_conversation_the_oldest_goes() -> None:
    """A result whose question is gone goes along."""
    answered = {"type": "function_call_output", "call_id": "c1", "output": '"sun"'}
    result = ConversationItem(id="i", body=answered)
    turns = [caller(f"turn {n}") for n in range(100)]
    told = history_of([*turns[:37], result, *turns[37:]])
    assert told == tuple(Said(Role.CALLER, f"turn {n}") for n in range(37, 100))
    assert len(history_of(turns)) == 64
