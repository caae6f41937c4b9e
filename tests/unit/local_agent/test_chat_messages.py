"""Conversations become messages that the SDK's own types accept, and chunks become text."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ChatCompletionToolParam,
)
from pydantic import TypeAdapter

from support.message_fuzz import mutated
from voxgate.local_agent.chat_messages import ChunkReader, chat_messages, chat_tools
from voxgate.local_agent.reply import (
    FunctionAnswered,
    FunctionAsked,
    HistoryItem,
    ReplyRequest,
    ReplyUsage,
    Role,
    Said,
)
from voxgate.providers.tools import ToolSpec

MESSAGES = TypeAdapter(list[ChatCompletionMessageParam])
TOOLS = TypeAdapter(list[ChatCompletionToolParam])


def chunk(
    content: str | None = None,
    *,
    calls: list[dict[str, Any]] | None = None,
    finish_reason: str | None = None,
    usage: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a chunk that the SDK takes for one."""
    delta = {"role": "assistant", "content": content, "tool_calls": calls}
    message = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        "usage": usage,
    }
    ChatCompletionChunk.model_validate(message)
    return message


def call(index: int = 0, call_id: str | None = None, **function: str) -> dict[str, Any]:
    return {"index": index, "id": call_id, "type": "function", "function": function}


def messages(*history: HistoryItem, instructions: str = "") -> list[dict[str, Any]]:
    found = chat_messages(ReplyRequest(history=history, instructions=instructions))
    MESSAGES.validate_python(found)
    return found


def caller(text: str) -> Said:
    return Said(Role.CALLER, text)


def agent(text: str) -> Said:
    return Said(Role.AGENT, text)


def test_a_conversation_is_messages_in_turn() -> None:
    """Instructions first; what one says in a row is one message, as some servers want turns."""
    assert messages(
        caller("When"), caller("do you open?"), agent("At nine."), caller("Thanks."),
        instructions="Be brief.",
    ) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "When do you open?"},
        {"role": "assistant", "content": "At nine."},
        {"role": "user", "content": "Thanks."},
    ]  # fmt: skip


def test_a_greeting_is_told_in_the_instructions() -> None:
    """Templates of some models refuse a conversation that the agent begins."""
    found = messages(agent("Hello!"), agent("Hi!"), caller("Hi."), instructions="Be brief.")
    assert found[0]["content"] == "Be brief.\n\nYou have greeted the caller with: Hello! Hi!"
    assert found[1:] == [{"role": "user", "content": "Hi."}]


def test_functions_belong_to_the_words_before_them() -> None:
    """One message of the agent, then a result each."""
    found = messages(
        caller("Time?"),
        agent("One moment."),
        FunctionAsked(function_call_id="a", name="time", arguments='{"zone":"utc"}'),
        FunctionAsked(function_call_id="b", name="date"),
        FunctionAnswered(function_call_id="a", result='"12:00"'),
        FunctionAnswered(function_call_id="b", result='"today"'),
        agent("Noon."),
    )
    assert [m["role"] for m in found] == ["user", "assistant", "tool", "tool", "assistant"]
    assert [c["function"]["name"] for c in found[1]["tool_calls"]] == ["time", "date"]
    assert found[1]["content"] == "One moment."
    assert found[2] == {"role": "tool", "tool_call_id": "a", "content": '"12:00"'}


def test_a_function_without_words_has_a_message_of_its_own() -> None:
    """Nothing of the caller's is touched."""
    found = messages(caller("Time?"), FunctionAsked(function_call_id="a", name="time"))
    assert found[0] == {"role": "user", "content": "Time?"}
    assert found[1]["tool_calls"][0]["function"] == {"name": "time", "arguments": "{}"}


@pytest.mark.parametrize("arguments", ["{", "", "[1]", "null", '"{}"', "{'a': 1}", "[" * 9000])
def test_arguments_that_are_no_object_are_told_as_none(arguments: str) -> None:
    """Templates of models parse them: a server would refuse this conversation for ever. What was
    wrong with them the model reads in the result."""
    asked = FunctionAsked(function_call_id="a", name="time", arguments=arguments)
    found = messages(caller("Time?"), asked)
    assert found[1]["tool_calls"][0]["function"] == {"name": "time", "arguments": "{}"}


def test_tools_are_what_the_sdk_takes_for_tools() -> None:
    """With the schema as it was registered."""
    spec = ToolSpec(name="time", description="Tells it.", parameters={"type": "object"})
    (tool,) = TOOLS.validate_python(chat_tools([spec]))
    assert tool["function"]["name"] == "time"
    assert tool["function"]["parameters"] == {"type": "object"}


def test_text_comes_as_it_is() -> None:
    """Chunks without any say that there is nothing new."""
    reader = ChunkReader()
    assert reader.read(chunk("Hel")) == "Hel"
    assert reader.read(chunk(None)) is None
    assert reader.read(chunk("lo.")) == "lo."
    assert not reader.has_ended
    assert reader.read(chunk(None, finish_reason="stop")) is None
    assert reader.has_ended
    assert reader.finish() == ""


def test_a_function_in_pieces_is_one() -> None:
    """Name and id come first, arguments bit by bit, several at a time."""
    reader = ChunkReader()
    assert reader.read(chunk(calls=[call(0, "a", name="time", arguments="")])) == ""
    reader.read(chunk(calls=[call(0, arguments='{"zo'), call(1, "b", name="date")]))
    reader.read(chunk(calls=[call(0, arguments='ne":"utc"}')]))
    assert reader.functions == (
        FunctionAsked(function_call_id="a", name="time", arguments='{"zone":"utc"}'),
        FunctionAsked(function_call_id="b", name="date"),
    )


def test_functions_that_share_an_index_are_told_apart_by_their_ids() -> None:
    """As of servers that count none of them."""
    reader = ChunkReader()
    reader.read(chunk(calls=[call(0, "a", name="time", arguments="{}")]))
    reader.read(chunk(calls=[call(0, "b", name="date", arguments="{}")]))
    assert [(f.function_call_id, f.name) for f in reader.functions] == [
        ("a", "time"),
        ("b", "date"),
    ]


def test_pieces_without_an_index_belong_to_the_function_named_last() -> None:
    """As of servers that leave the index out where there is one function at a time."""
    reader = ChunkReader()
    for piece in (
        {"id": "a", "function": {"name": "time", "arguments": ""}},
        {"function": {"arguments": '{"zone":'}},
        {"function": {"arguments": '"utc"}'}},
        {"id": "b", "function": {"name": "date", "arguments": "{}"}},
    ):
        reader.read({"choices": [{"delta": {"tool_calls": [piece]}}]})
    assert [(f.name, f.arguments) for f in reader.functions] == [
        ("time", '{"zone":"utc"}'),
        ("date", "{}"),
    ]


def test_functions_without_an_id_get_one() -> None:
    """A result must name what it answers; two never have the same."""
    reader = ChunkReader()
    reader.read(chunk(calls=[call(0, "", name="time"), call(1, "", name="date")]))
    reader.read(chunk(calls=[call(2, "call-1", name="zone")]))
    ids = [f.function_call_id for f in reader.functions]
    assert len(set(ids)) == 3
    assert all(ids)


def test_the_number_of_functions_is_bounded() -> None:
    """A model that loops asks for hundreds."""
    reader = ChunkReader()
    for index in range(100):
        reader.read(chunk(calls=[call(index, f"id-{index}", name="time")]))
    assert len(reader.functions) == 16


def test_usage_is_read_where_the_server_says_it() -> None:
    """In a last chunk without a choice; what is odd in it counts as nothing."""
    reader = ChunkReader()
    last = chunk(usage={
        "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 8},
    })  # fmt: skip
    last["choices"] = []
    assert reader.read(last) is None
    assert reader.usage == ReplyUsage(input_tokens=12, cached_input_tokens=8, output_tokens=3)
    reader.read({"usage": {"prompt_tokens": -4, "completion_tokens": "x"}})
    assert reader.usage == ReplyUsage()


@given(st.integers(1, 9))
def test_thoughts_are_not_said(step: int) -> None:
    """However the marks are cut; what only looks like one is said."""
    text = "<think>Who is this? 1 < 2.</think>Hello <there>. <think>x</think>Bye<th"
    reader = ChunkReader()
    said = [reader.read(chunk(text[at : at + step])) or "" for at in range(0, len(text), step)]
    assert "".join(said) + reader.finish() == "Hello <there>. Bye<th"


def test_a_thought_without_an_end_says_nothing() -> None:
    """It was cut off by the limit of tokens."""
    reader = ChunkReader()
    assert reader.read(chunk("<think>Let me")) is None
    assert reader.finish() == ""


@pytest.mark.parametrize(
    "odd",
    [None, 3, "x", [], {}, {"choices": []}, {"choices": [None]}, {"choices": [{"delta": 3}]},
     {"choices": [{"delta": {"content": 3, "tool_calls": {"a": 1}}}]},
     {"choices": [{"delta": {"tool_calls": [None, 3, {}, {"function": 3}]}}]}, {"usage": []}],
)  # fmt: skip
def test_what_makes_no_sense_is_as_if_it_were_not_there(odd: object) -> None:
    """A server's fault is an answer without words, never an exception."""
    reader = ChunkReader()
    reader.read(odd)
    assert reader.functions == ()


def test_mutated_chunks_never_raise() -> None:
    """A seeded short fuzz: whatever is JSON is read."""
    originals = [
        json.dumps(chunk("Hello", calls=[call(0, "a", name="time", arguments="{}")])),
        json.dumps(chunk(usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})),
    ]
    rng = np.random.default_rng(5)
    reader, n_read = ChunkReader(), 0
    for _ in range(2000):
        try:
            message = json.loads(mutated(originals, rng))
        except (ValueError, RecursionError):
            continue
        text = reader.read(message)
        assert text is None or isinstance(text, str)
        n_read += 1
    assert n_read > 500
    assert all(f.function_call_id and f.name for f in reader.functions)
