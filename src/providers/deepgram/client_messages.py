"""The messages that a Voice Agent client sends, as JSON text; audio goes as it is, in binary.

Invariant: every text that leaves this module is one complete client message.
"""

from __future__ import annotations

__all__ = [
    "KEEP_ALIVE",
    "InjectionBehavior",
    "serialize_function_result",
    "serialize_injection",
    "serialize_settings",
    "serialize_user_text",
]

import json
from collections.abc import Mapping
from enum import StrEnum

KEEP_ALIVE = '{"type":"KeepAlive"}'
"""Keeps a session open while no audio is sent."""


class InjectionBehavior(StrEnum):
    """What becomes of a message for the agent to say when somebody is speaking."""

    DEFAULT = "default"
    """It is refused."""
    QUEUE = "queue"
    """It waits for the agent, and is refused while the caller speaks."""
    INTERRUPT = "interrupt"
    """It is said at once."""


def serialize_settings(fields: Mapping[str, object]) -> str:
    """Return ``Settings`` with fields as :func:`.settings.settings_fields` gives."""
    return _serialize("Settings", **fields)


def serialize_injection(text: str, behavior: InjectionBehavior) -> str:
    """Return ``InjectAgentMessage``: the agent is to say exactly this."""
    return _serialize("InjectAgentMessage", message=text, behavior=str(behavior))


def serialize_user_text(text: str) -> str:
    """Return ``InjectUserMessage``: the agent is to answer this as if the caller had said it."""
    return _serialize("InjectUserMessage", content=text)


def serialize_function_result(call_id: str, name: str, content: str) -> str:
    """Return ``FunctionCallResponse``, with the id of its request."""
    return _serialize("FunctionCallResponse", id=call_id, name=name, content=content)


def _serialize(message_type: str, **fields: object) -> str:
    return json.dumps({"type": message_type, **fields}, separators=(",", ":"))
