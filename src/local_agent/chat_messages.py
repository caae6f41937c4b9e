"""A conversation as the messages of a chat completion, and back out of the chunks of its answer.

Pure: no client, no socket. What comes from a server is taken as far as it makes sense; a field that
is missing, null or of the wrong kind is as if it were not there. Invariant: a function that was
asked for comes out once, whole, and in the order in which the server named it.
"""

from __future__ import annotations

__all__ = ["ChunkReader", "chat_messages", "chat_tools"]

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .reply import (
    FunctionAnswered,
    FunctionAsked,
    FunctionSpec,
    ReplyRequest,
    ReplyUsage,
    Role,
    Said,
)

Message = dict[str, Any]

_MAX_FUNCTIONS = 16
"""Functions that one answer may ask for; a model that loops asks for more."""
_MAX_ARGUMENTS = 65_536
"""Characters of a function's arguments that are kept."""
_THOUGHTS = ("<think>", "</think>")
"""What models that think aloud put around their thoughts, where the server does not take them
out."""


def chat_messages(request: ReplyRequest) -> list[Message]:
    """Return a conversation as messages, oldest first.

    Some servers want the caller to speak first and the two to take turns: words of the agent from
    before are told in the instructions, and what one of them said in a row is one message.
    """
    greeting: list[str] = []
    for item in request.history:
        if not isinstance(item, Said) or item.role is not Role.AGENT:
            break
        greeting.append(item.text)
    system = [request.instructions] if request.instructions else []
    if greeting:
        system.append(f"You have greeted the caller with: {' '.join(greeting)}")
    messages: list[Message] = []
    if system:
        messages.append({"role": "system", "content": "\n\n".join(system)})
    for item in request.history[len(greeting) :]:
        match item:
            case Said(role, text):
                _add_text(messages, "assistant" if role is Role.AGENT else "user", text)
            case FunctionAsked():
                _add_function(messages, item)
            case FunctionAnswered(function_call_id=call_id, result=result):
                messages.append({"role": "tool", "tool_call_id": call_id, "content": result})
    return messages


def chat_tools(functions: Iterable[FunctionSpec]) -> list[Message]:
    """Return functions as a chat completion's tools."""
    return [
        {
            "type": "function",
            "function": {
                "name": function.name,
                "description": function.description,
                "parameters": dict(function.parameters),
            },
        }
        for function in functions
    ]


@dataclass(slots=True)
class _Call:
    """A function on its way."""

    call_id: str
    name: str = ""
    arguments: str = ""


class ChunkReader:
    """Reads the chunks of one answer, each a chat.completion.chunk as parsed JSON."""

    __slots__ = ("_by_index", "_calls", "_thoughts", "has_ended", "usage")

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._thoughts = _ThoughtFilter()
        self.has_ended = False
        """The server has said why the answer ends."""
        self.usage: ReplyUsage | None = None
        """What the answer took, once the server has said it."""

    @property
    def functions(self) -> tuple[FunctionAsked, ...]:
        """The functions asked for, in order; complete when the answer is."""
        return tuple(
            FunctionAsked(
                function_call_id=call.call_id, name=call.name, arguments=call.arguments or "{}"
            )
            for call in self._calls
            if call.name
        )

    def read(self, chunk: object) -> str | None:
        """Take the next chunk and return its text, ``""`` if it has something else than text.

        None where there is nothing new in it for the caller.
        """
        self._read_usage(_field(chunk, "usage"))
        choices = _field(chunk, "choices")
        if not isinstance(choices, list) or not choices:
            return None
        choice = choices[0]
        self.has_ended = self.has_ended or isinstance(_field(choice, "finish_reason"), str)
        delta = _field(choice, "delta")
        calls = _field(delta, "tool_calls")
        n_called = sum(map(self._read_call, calls)) if isinstance(calls, list) else 0
        content = _field(delta, "content")
        text = self._thoughts.push(content) if isinstance(content, str) else ""
        return text if text or n_called else None

    def finish(self) -> str:
        """Return the text that was held back, as it might have begun a thought."""
        return self._thoughts.finish()

    def _read_call(self, piece: object) -> bool:
        function = _field(piece, "function")
        index, call_id = _field(piece, "index"), _field(piece, "id")
        name, arguments = _field(function, "name"), _field(function, "arguments")
        is_named = isinstance(name, str) and bool(name)
        if not isinstance(index, int):
            # Some servers leave it out: a name begins a function, and the rest belongs to the last.
            index = len(self._by_index) if is_named else next(reversed(self._by_index), 0)
        call = self._call_for(index, call_id if isinstance(call_id, str) else "", is_named=is_named)
        if call is None:
            return False
        if isinstance(name, str) and not call.name:
            call.name = name
        if isinstance(arguments, str):
            call.arguments = (call.arguments + arguments)[:_MAX_ARGUMENTS]
        return True

    def _call_for(self, index: int, call_id: str, *, is_named: bool) -> _Call | None:
        """Return the call that a piece belongs to; some servers give every call the index 0."""
        call = self._by_index.get(index)
        is_other = call is not None and is_named and call_id not in ("", call.call_id)
        if call is not None and not is_other:
            return call
        if len(self._calls) >= _MAX_FUNCTIONS:
            return None
        known = {call.call_id for call in self._calls}
        if not call_id or call_id in known:
            call_id = f"call-{len(self._calls) + 1}"
        self._by_index[index] = call = _Call(call_id)
        self._calls.append(call)
        return call

    def _read_usage(self, usage: object) -> None:
        if isinstance(usage, Mapping):
            details = usage.get("prompt_tokens_details")
            self.usage = ReplyUsage(
                input_tokens=_count(usage.get("prompt_tokens")),
                cached_input_tokens=_count(_field(details, "cached_tokens")),
                output_tokens=_count(usage.get("completion_tokens")),
            )


class _ThoughtFilter:
    """Leaves out what stands between ``<think>`` and ``</think>``, wherever the text is cut."""

    __slots__ = ("_is_thinking", "_waiting")

    def __init__(self) -> None:
        self._waiting = ""
        self._is_thinking = False

    def push(self, text: str) -> str:
        """Take the next text and return what of it is to be said."""
        text = self._waiting + text
        said: list[str] = []
        start = 0
        while (end := text.find(_THOUGHTS[self._is_thinking], start)) >= 0:
            self._pass(text[start:end], said)
            start = end + len(_THOUGHTS[self._is_thinking])
            self._is_thinking = not self._is_thinking
        rest = text[start:]
        end = len(rest) - _overlap(rest, _THOUGHTS[self._is_thinking])
        self._pass(rest[:end], said)
        self._waiting = rest[end:]
        return "".join(said)

    def finish(self) -> str:
        """Return what was held back."""
        rest, self._waiting = self._waiting, ""
        return "" if self._is_thinking else rest

    def _pass(self, text: str, said: list[str]) -> None:
        if not self._is_thinking:
            said.append(text)


def _overlap(text: str, mark: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a mark."""
    sizes = range(min(len(text), len(mark) - 1), 0, -1)
    return next((size for size in sizes if mark.startswith(text[-size:])), 0)


def _add_text(messages: list[Message], role: str, text: str) -> None:
    last = messages[-1] if messages else {}
    if last.get("role") == role and "tool_calls" not in last:
        last["content"] = f"{last['content']} {text}"
    else:
        messages.append({"role": role, "content": text})


def _add_function(messages: list[Message], asked: FunctionAsked) -> None:
    call = {
        "id": asked.function_call_id,
        "type": "function",
        "function": {"name": asked.name, "arguments": _object_text(asked.arguments)},
    }
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": ""})
    messages[-1].setdefault("tool_calls", []).append(call)


def _object_text(arguments: str) -> str:
    """Return arguments as a server takes them back.

    Models' templates parse them, and refuse a whole conversation for some that are no object.
    """
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return "{}"
    return arguments if isinstance(value, dict) else "{}"


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
