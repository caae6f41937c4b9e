"""What a new session is told of the former ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.realtime_peer import judge_client_event
from voxgate.providers.base import Speaker
from voxgate.providers.openai_realtime.history import MAX_CHARACTERS, MAX_ENTRIES, History
from voxgate.providers.openai_realtime.server_events import FunctionRequest

LOOK = FunctionRequest(
    response_id="r", function_call_id="f1", name="look", arguments='{"city":"Ulm"}'
)


def told(history: History) -> list[dict[str, Any]]:
    """Return the items that a session gets, without the introduction."""
    events = [json.loads(message) for message in history.serialize("history-")]
    for event in events:
        judge_client_event(event)
    assert len({event["event_id"] for event in events}) == len(events)
    assert all(event["event_id"].startswith("history-") for event in events)
    if events:
        assert events[0]["item"]["role"] == "system"
    return [event["item"] for event in events[1:]]


def said(history: History) -> list[tuple[str, str]]:
    return [(item["role"], item["content"][0]["text"]) for item in told(history)]


def test_nothing_was_said_yet() -> None:
    """A first session is told nothing."""
    assert told(History()) == []
    assert History().is_empty


def test_turns_are_told_in_their_order_whenever_their_text_came() -> None:
    """Transcripts of the caller come after the answer to them."""
    history = History()
    history.add_text(Speaker.AGENT, "a1", "Hello?", is_final=True)
    history.begin_turn("c1")
    history.add_text(Speaker.AGENT, "a2", "At ", is_final=False)
    history.add_text(Speaker.AGENT, "a2", "nine.", is_final=False)
    history.add_text(Speaker.CALLER, "c1", "When do you open?", is_final=True)
    history.add_text(Speaker.AGENT, "a2", "At nine.", is_final=True)

    assert said(history) == [
        ("assistant", "Hello?"),
        ("user", "When do you open?"),
        ("assistant", "At nine."),
    ]


def test_a_turn_without_a_transcript_is_told_as_one() -> None:
    """So that the model does not take its answers for monologues."""
    history = History()
    history.begin_turn("c1")

    assert said(history) == [("user", "[not transcribed]")]


@pytest.mark.parametrize(
    ("heard_ms", "text"),
    [
        (1000.0, "one two three four"),
        (2000.0, "one two three four"),
        (500.0, "one two ..."),
        (10.0, None),
        (0.0, None),
    ],
)
def test_an_answer_that_was_cut_off_is_told_as_far_as_it_was_heard(
    heard_ms: float, text: str | None
) -> None:
    """In whole words; the model is not to believe that the caller knows the rest."""
    history = History()
    history.add_voice("a1", 600.0)
    history.add_voice("a1", 400.0)
    history.add_text(Speaker.AGENT, "a1", "one two three four", is_final=True)
    history.cut("a1", heard_ms)
    history.cut("never-said", 5.0)

    assert said(history) == ([] if text is None else [("assistant", text)])
    assert history.is_empty == (text is None)


def test_an_answer_that_was_cut_before_its_voice_is_not_told() -> None:
    """Its text may have come first."""
    history = History()
    history.add_text(Speaker.AGENT, "a1", "one two", is_final=True)
    history.cut("a1", 0.0)

    assert said(history) == []


def test_functions_are_told_with_what_they_returned() -> None:
    """Under the same id, as the server wants it; without a result where there is none yet."""
    history = History()
    history.call_function(LOOK)
    call = {"type": "function_call", "call_id": "f1", "name": "look", "arguments": LOOK.arguments}
    assert told(history) == [call]
    history.return_function("f1", '{"sun":true}')
    history.return_function("never-called", "{}")

    output = {"type": "function_call_output", "call_id": "f1", "output": '{"sun":true}'}
    assert told(history) == [call, output]


def test_the_oldest_is_forgotten() -> None:
    """By number and by length; the newest is always told."""
    history = History()
    for number in range(MAX_ENTRIES + 10):
        history.add_text(Speaker.AGENT, f"a{number}", str(number), is_final=True)
    assert [text for _, text in said(history)] == [str(n) for n in range(10, MAX_ENTRIES + 10)]

    history.add_text(Speaker.CALLER, "c", "x" * (MAX_CHARACTERS - 4), is_final=True)
    assert [role for role, _ in said(history)] == ["assistant", "assistant", "user"]
    history.add_text(Speaker.CALLER, "c2", "y" * (MAX_CHARACTERS + 1), is_final=True)
    assert [role for role, _ in said(history)] == ["user"]
