"""The events that a Realtime client sends, as JSON text in the GA shapes.

Invariant: every text that leaves this module is one complete client event; the base64 of audio is
made here and nowhere else.
"""

from __future__ import annotations

__all__ = [
    "Role",
    "serialize_append",
    "serialize_cancel",
    "serialize_commit",
    "serialize_function_call",
    "serialize_function_output",
    "serialize_greeting",
    "serialize_message",
    "serialize_response",
    "serialize_session_update",
    "serialize_truncate",
]

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Literal

Role = Literal["user", "assistant", "system"]
"""Who says what is in a message."""

_GREETING = (
    "Greet the caller now. Say exactly these words, nothing before and nothing after them: {}"
)


def serialize_session_update(session: Mapping[str, object], event_id: str) -> str:
    """Return ``session.update`` with a session as :func:`.session_update.session_fields` gives."""
    return _serialize("session.update", event_id=event_id, session=dict(session))


def serialize_append(audio: bytes) -> str:
    """Return ``input_audio_buffer.append`` with audio in the session's input format."""
    # Base64 needs no JSON escapes; this is the one event that is sent 50 times a second.
    return f'{{"type":"input_audio_buffer.append","audio":"{b64encode(audio).decode("ascii")}"}}'


def serialize_cancel(response_id: str, event_id: str) -> str:
    """Return ``response.cancel`` for one response.

    Naming it keeps a cancel that crosses the end of the response from hitting the next one.
    """
    fields = {"response_id": response_id} if response_id else {}
    return _serialize("response.cancel", event_id=event_id, **fields)


def serialize_truncate(item_id: str, audio_end_ms: int, event_id: str) -> str:
    """Return ``conversation.item.truncate``: what the caller heard of an item ends there."""
    return _serialize(
        "conversation.item.truncate",
        event_id=event_id,
        item_id=item_id,
        content_index=0,
        audio_end_ms=audio_end_ms,
    )


def serialize_commit(event_id: str) -> str:
    """Return ``input_audio_buffer.commit``: the caller's turn ends here."""
    return _serialize("input_audio_buffer.commit", event_id=event_id)


def serialize_response(event_id: str) -> str:
    """Return the ``response.create`` that answers what the conversation holds."""
    return _serialize("response.create", event_id=event_id)


def serialize_function_output(function_call_id: str, output: str, event_id: str) -> str:
    """Return the item that gives the model a function's result."""
    item = {"type": "function_call_output", "call_id": function_call_id, "output": output}
    return _serialize("conversation.item.create", event_id=event_id, item=item)


def serialize_function_call(function_call_id: str, name: str, arguments: str, event_id: str) -> str:
    """Return the item of a function call that an earlier session made."""
    item = {
        "type": "function_call",
        "call_id": function_call_id,
        "name": name,
        "arguments": arguments,
    }
    return _serialize("conversation.item.create", event_id=event_id, item=item)


def serialize_message(role: Role, text: str, event_id: str) -> str:
    """Return the item of something that was said in an earlier session, as text."""
    kind = "output_text" if role == "assistant" else "input_text"
    item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    return _serialize("conversation.item.create", event_id=event_id, item=item)


def serialize_greeting(greeting: str, instructions: str, event_id: str) -> str:
    """Return the ``response.create`` that makes the agent speak first.

    Instructions of a response replace those of its session, so these are given again: they carry
    the language and the manner of speaking.
    """
    text = "\n\n".join(part for part in (instructions, _GREETING.format(greeting)) if part)
    return _serialize("response.create", event_id=event_id, response={"instructions": text})


def _serialize(event_type: str, **fields: object) -> str:
    return json.dumps({"type": event_type, **fields}, separators=(",", ":"))
