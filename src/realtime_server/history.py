"""A conversation's items as text: what a reply sees of them.

Invariant: of what the agent said only what was not cut off is told; sound that nobody recognised is
an empty text.
"""

from __future__ import annotations

__all__ = ["history_of", "system_text_of"]

from collections.abc import Iterable

from ..local_agent.reply import FunctionAnswered, FunctionAsked, HistoryItem, Role, Said
from .conversation import ConversationItem

_MAX_ENTRIES = 64
"""Of a long conversation the newest are told: a model's memory is short, and its time too."""


def history_of(items: Iterable[ConversationItem]) -> tuple[HistoryItem, ...]:
    """Return what was said, asked and answered, in order.

    A turn of the caller without words is told only where it is the last: it wants an answer too. Of
    a long conversation the oldest entries go.
    """
    history = [entry for item in items if (entry := _entry(item)) is not None]
    last = len(history) - 1
    told = [entry for n, entry in enumerate(history) if n == last or not _is_mute(entry)]
    newest = told[-_MAX_ENTRIES:]
    while newest and isinstance(newest[0], FunctionAnswered):
        newest = newest[1:]  # what was asked is cut off, and an answer without it is an error
    return tuple(newest)


def system_text_of(items: Iterable[ConversationItem]) -> str:
    """Return the messages to the model, one under the other."""
    return "\n\n".join(_text(item) for item in items if item.body.get("role") == "system")


def _entry(item: ConversationItem) -> HistoryItem | None:
    body = item.body
    if body["type"] == "function_call":
        call_id, name = body.get("call_id") or item.id, body["name"]
        return FunctionAsked(function_call_id=call_id, name=name, arguments=body["arguments"])
    if body["type"] == "function_call_output":
        return FunctionAnswered(function_call_id=body["call_id"], result=body["output"])
    if body["role"] == "user":
        return Said(Role.CALLER, _text(item))
    if body["role"] == "assistant":
        text = item.agent_words or _text(item)
        return Said(Role.AGENT, text) if text else None
    return None


def _is_mute(entry: HistoryItem) -> bool:
    return isinstance(entry, Said) and not entry.text


def _text(item: ConversationItem) -> str:
    """Return the text in a message; of the caller's sound the words, where they are known."""
    texts = []
    for part in item.body["content"]:
        if part["type"] == "input_audio":
            texts.append(item.transcript or part.get("transcript") or "")
        elif part["type"] in ("input_text", "output_text"):
            texts.append(part["text"])
    return " ".join(filter(None, texts))
