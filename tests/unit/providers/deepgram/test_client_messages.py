"""What is sent has the shapes of the vendor's types."""

from __future__ import annotations

import json

import pytest

from support.deepgram_peer import judge_client_message
from voxgate.providers.deepgram import client_messages
from voxgate.providers.deepgram.client_messages import (
    KEEP_ALIVE,
    InjectionBehavior,
    serialize_function_result,
    serialize_injection,
    serialize_settings,
    serialize_user_text,
)

_ODD_TEXT = 'He said: "Grüß Gott" \ud800 \x00\n'


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (KEEP_ALIVE, {"type": "KeepAlive"}),
        (
            serialize_injection(_ODD_TEXT, InjectionBehavior.QUEUE),
            {"type": "InjectAgentMessage", "message": _ODD_TEXT, "behavior": "queue"},
        ),
        (serialize_user_text("Hello?"), {"type": "InjectUserMessage", "content": "Hello?"}),
        (
            serialize_function_result("c-1", "weather", '{"sun":true}'),
            {
                "type": "FunctionCallResponse",
                "id": "c-1",
                "name": "weather",
                "content": '{"sun":true}',
            },
        ),
    ],
)
def test_each_message_says_what_it_is_given(text: str, fields: dict[str, str]) -> None:
    """As one JSON object in ASCII, whatever characters a text has."""
    assert json.loads(text) == fields
    assert text.isascii()
    if "\ud800" not in str(fields):
        judge_client_message(fields)


def test_whatever_we_can_send_is_one_that_the_vendor_knows() -> None:
    """A serializer that is added is added here; ``Settings`` are judged with their fields."""
    messages = {
        serialize_function_result: ("c-1", "weather", "{}"),
        serialize_injection: ("Hello", InjectionBehavior.DEFAULT),
        serialize_user_text: ("Hello?",),
    }
    for serialize, arguments in messages.items():
        judge_client_message(json.loads(serialize(*arguments)))  # type: ignore[operator]
    judge_client_message(json.loads(KEEP_ALIVE))
    offered = {name for name in client_messages.__all__ if name.startswith("serialize_")}
    assert offered == {serialize.__name__ for serialize in (*messages, serialize_settings)}


def test_settings_are_the_fields_with_their_type() -> None:
    """What they hold is another module's."""
    assert json.loads(serialize_settings({"mip_opt_out": True})) == {
        "type": "Settings",
        "mip_opt_out": True,
    }


@pytest.mark.parametrize("behavior", InjectionBehavior)
def test_every_behavior_is_one_of_the_vendor_s(behavior: InjectionBehavior) -> None:
    """The types let any text pass there; this is their list."""
    assert behavior.value in {"default", "queue", "interrupt"}
    judge_client_message(json.loads(serialize_injection("Hello", behavior)))
