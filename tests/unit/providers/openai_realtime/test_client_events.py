"""The events that the client sends."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.realtime_peer import judge_client_event
from voxgate.providers.openai_realtime import client_events
from voxgate.providers.openai_realtime.client_events import (
    serialize_append,
    serialize_cancel,
    serialize_commit,
    serialize_function_call,
    serialize_function_output,
    serialize_greeting,
    serialize_message,
    serialize_response,
    serialize_session_update,
    serialize_truncate,
)

_EVENTS = {
    "append": serialize_append(b"\xff" * 160),
    "cancel": serialize_cancel("resp_1", "cancel-1"),
    "cancel of whatever there is": serialize_cancel("", "cancel-1"),
    "greeting": serialize_greeting('Say "hello"\n', "Speak French.", "greeting-1"),
    "session update": serialize_session_update({"type": "realtime"}, "session-1"),
    "truncate": serialize_truncate("item_1", 0, "truncate-1"),
}


@pytest.mark.parametrize("text", _EVENTS.values(), ids=_EVENTS)
def test_every_event_is_one_that_the_sdk_knows(text: str) -> None:
    """Strictly typed, and without fields of our own invention."""
    judge_client_event(json.loads(text))


def test_whatever_we_can_send_is_one_that_the_sdk_knows() -> None:
    """A serializer that is added is added here."""
    events = {
        serialize_append: (b"\xff" * 160,),
        serialize_cancel: ("resp_1", "e"),
        serialize_commit: ("e",),
        serialize_function_call: ("call_1", "weather", "{}", "e"),
        serialize_function_output: ("call_1", "{}", "e"),
        serialize_greeting: ("Hello!", "Be brief.", "e"),
        serialize_message: ("user", "Hi", "e"),
        serialize_response: ("e",),
        serialize_session_update: ({"type": "realtime"}, "e"),
        serialize_truncate: ("item_1", 0, "e"),
    }
    for serialize, arguments in events.items():
        judge_client_event(json.loads(serialize(*arguments)))  # type: ignore[operator]
    offered = {name for name in client_events.__all__ if name.startswith("serialize_")}
    assert offered == {serialize.__name__ for serialize in events}


@given(st.binary(max_size=2000))
def test_an_append_carries_the_bytes_that_it_was_given(audio: bytes) -> None:
    """The event is written by hand for speed, and is JSON all the same."""
    event = json.loads(serialize_append(audio))

    assert event == {"type": "input_audio_buffer.append", "audio": event["audio"]}
    assert b64decode(event["audio"], validate=True) == audio


def test_a_truncation_says_what_was_heard() -> None:
    """Whole ms, of the first content part; an item that nobody heard is truncated at 0."""
    assert json.loads(serialize_truncate("item_1", 0, "truncate-1")) == {
        "type": "conversation.item.truncate",
        "event_id": "truncate-1",
        "item_id": "item_1",
        "content_index": 0,
        "audio_end_ms": 0,
    }


def test_a_cancel_names_its_response_if_it_has_a_name() -> None:
    """So that it can't hit the next one."""
    assert json.loads(serialize_cancel("resp_1", "c"))["response_id"] == "resp_1"
    assert "response_id" not in json.loads(serialize_cancel("", "c"))


@pytest.mark.parametrize("instructions", ["", "Speak French."])
def test_a_greeting_keeps_the_manner_of_the_session(instructions: str) -> None:
    """A response's instructions replace the session's: language and tone must be in them."""
    event = json.loads(serialize_greeting("Bonjour!", instructions, "greeting-1"))
    text = event["response"]["instructions"]

    assert text.startswith(instructions)
    assert text.endswith("Bonjour!")
    assert text.strip() == text


@given(st.text(max_size=50), st.text(max_size=50))
def test_every_event_about_items_is_one_that_the_sdk_knows(text: str, name: str) -> None:
    """Whatever was said, and whatever a function returned."""
    for message in (
        serialize_commit("e"),
        serialize_response("e"),
        serialize_function_output("f1", text, "e"),
        serialize_function_call("f1", name, text, "e"),
        serialize_message("user", text, "e"),
        serialize_message("assistant", text, "e"),
        serialize_message("system", text, "e"),
    ):
        event = json.loads(message)
        judge_client_event(event)
        assert event["event_id"] == "e"


def test_text_has_the_kind_that_its_role_asks_for() -> None:
    """A server refuses the other one."""
    said = json.loads(serialize_message("assistant", "Hi", "e"))["item"]["content"]
    heard = json.loads(serialize_message("user", "Hi", "e"))["item"]["content"]

    assert said == [{"type": "output_text", "text": "Hi"}]
    assert heard == [{"type": "input_text", "text": "Hi"}]
