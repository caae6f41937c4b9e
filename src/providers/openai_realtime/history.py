"""What was said and done on a call so far, as text: what a new session is told of the former ones.

What the caller said is known only where input transcription is on. Invariant: the memory is
bounded, whatever the length of the call, and an answer that was cut off is told no further than
it was heard.
"""

from __future__ import annotations

__all__ = ["MAX_CHARACTERS", "MAX_ENTRIES", "History"]

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from ..base import Speaker
from .client_events import (
    Role,
    serialize_function_call,
    serialize_function_output,
    serialize_message,
)
from .server_events import FunctionRequest

MAX_ENTRIES = 64
"""Turns, answers and function calls remembered; the oldest go."""

MAX_CHARACTERS = 12_000
"""Text remembered: some 3,000 tokens, a tenth of what a session can hold."""

_INTRODUCTION = (
    "This telephone call goes on in a new session. What follows was said before, oldest first. "
    "Do not greet again."
)
_UNHEARD = "[not transcribed]"


@dataclass(slots=True)
class _Said:
    role: Role
    text: str = field(default="", repr=False)
    received_ms: float = 0.0
    heard_ms: float | None = None
    """None as long as nothing was cut off."""

    @property
    def heard_text(self) -> str:
        """As much of the text as was heard, in whole words, going by the time that it took."""
        if self.heard_ms is None or 0.0 < self.received_ms <= self.heard_ms:
            return self.text
        if self.received_ms <= 0.0:
            return ""
        n_characters = int(len(self.text) * self.heard_ms / self.received_ms)
        whole_words, _, _ = self.text[: n_characters + 1].rpartition(" ")
        return f"{whole_words} ..." if whole_words else ""


@dataclass(slots=True)
class _Done:
    request: FunctionRequest
    output: str | None = field(default=None, repr=False)


class History:
    """One call's past, in order."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Said | _Done] = OrderedDict()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not any(map(_is_told, self._entries.values()))

    def begin_turn(self, item_id: str) -> None:
        """Note that the caller has said something; the text may come later."""
        self._said(item_id, "user")

    def add_text(self, speaker: Speaker, item_id: str, text: str, *, is_final: bool) -> None:
        """Note what was said in an item, or the next piece of it."""
        said = self._said(item_id, "user" if speaker is Speaker.CALLER else "assistant")
        said.text = text if is_final else said.text + text
        self._forget_oldest()

    def add_voice(self, item_id: str, audio_ms: float) -> None:
        """Note so many ms of the agent's voice."""
        self._said(item_id, "assistant").received_ms += audio_ms

    def cut(self, item_id: str, heard_ms: float) -> None:
        """Note that an item was heard no further."""
        said = self._entries.get(item_id)
        if isinstance(said, _Said):
            said.heard_ms = heard_ms

    def call_function(self, request: FunctionRequest) -> None:
        """Note that the model called a function."""
        self._entries[request.function_call_id] = _Done(request)
        self._forget_oldest()

    def return_function(self, function_call_id: str, output: str) -> None:
        """Note what a function returned."""
        done = self._entries.get(function_call_id)
        if isinstance(done, _Done):
            done.output = output
            self._forget_oldest()

    def serialize(self, id_prefix: str) -> Iterator[str]:
        """Yield the messages that tell a new session of all this.

        Args:
            id_prefix: Start of their event ids.
        """
        if self.is_empty:
            return
        numbers = count(1)
        yield serialize_message("system", _INTRODUCTION, f"{id_prefix}0")
        for entry in self._entries.values():
            if isinstance(entry, _Said):
                if _is_told(entry):
                    text = entry.heard_text or _UNHEARD
                    yield serialize_message(entry.role, text, f"{id_prefix}{next(numbers)}")
                continue
            request = entry.request
            yield serialize_function_call(
                request.function_call_id,
                request.name,
                request.arguments,
                f"{id_prefix}{next(numbers)}",
            )
            if entry.output is not None:
                yield serialize_function_output(
                    request.function_call_id, entry.output, f"{id_prefix}{next(numbers)}"
                )

    def _said(self, item_id: str, role: Role) -> _Said:
        said = self._entries.get(item_id)
        if not isinstance(said, _Said):
            said = self._entries[item_id] = _Said(role)
            self._forget_oldest()
        return said

    def _forget_oldest(self) -> None:
        n_characters = sum(map(_length, self._entries.values()))
        while len(self._entries) > 1 and (
            len(self._entries) > MAX_ENTRIES or n_characters > MAX_CHARACTERS
        ):
            _, oldest = self._entries.popitem(last=False)
            n_characters -= _length(oldest)


def _is_told(entry: _Said | _Done) -> bool:
    """Return whether a new session is told of an entry: an answer nobody heard is none."""
    return isinstance(entry, _Done) or entry.role == "user" or bool(entry.heard_text)


def _length(entry: _Said | _Done) -> int:
    if isinstance(entry, _Said):
        return len(entry.text)
    return len(entry.request.arguments) + len(entry.output or "")
