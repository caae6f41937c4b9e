"""The events of a Realtime server that the provider acts on, out of JSON text.

Both the GA names and those of the beta, which compatible servers still send, are known. Whatever
else arrives is data too: an event of no interest, or one that can't be read.

Invariant: no text makes :func:`parse_server_event` raise.
"""

from __future__ import annotations

__all__ = [
    "ConversationEvent",
    "ErrorReported",
    "EventIgnored",
    "EventMalformed",
    "EventUnknown",
    "HousekeepingEvent",
    "OutputAudioDelta",
    "OutputAudioDone",
    "ResponseCreated",
    "ResponseEnded",
    "ServerEvent",
    "SessionCreated",
    "SessionUpdated",
    "SpeechStarted",
    "SpeechStopped",
    "parse_server_event",
]

import binascii
import json
import math
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionCreated:
    """The server is there; it waits for our configuration."""


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The configuration is in force."""

    input_format: str | None
    """Name of the format that audio is taken in, or None if the server does not say."""
    output_format: str | None
    """Name of the format that audio is sent in, or None if the server does not say."""


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """The model begins to answer."""

    response_id: str


@dataclass(frozen=True, slots=True)
class OutputAudioDelta:
    """A piece of the agent's voice in the session's output format."""

    response_id: str
    item_id: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class OutputAudioDone:
    """All audio of an item was sent."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseEnded:
    """The answer is complete, or was given up."""

    response_id: str
    status: str
    error_code: str | None = None
    """Why a failed response failed, or None."""
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The turn detector heard the caller."""

    audio_start_ms: float | None
    """On the provider's audio clock, prefix padding included; None if the server did not say."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The turn detector heard the end of the caller's turn."""

    audio_end_ms: float | None
    """On the provider's audio clock; None if the server did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReported:
    """The server refused something, or is in trouble. Its message is left out: it quotes keys."""

    code: str | None
    type: str | None
    param: str | None
    event_id: str | None
    """The client event that caused it, or None."""


@dataclass(frozen=True, slots=True)
class EventIgnored:
    """An event of the protocol that the provider has no use for."""

    type: str


@dataclass(frozen=True, slots=True)
class EventUnknown:
    """An event that is not in the protocol as we know it."""

    type: str


@dataclass(frozen=True, slots=True)
class EventMalformed:
    """Not an event, or one without what makes it one."""

    reason: str
    """Closed set: ``not_json``, ``not_an_object``, ``no_type``, ``no_item_id`` or ``no_audio``."""


ConversationEvent = (
    ResponseCreated
    | OutputAudioDelta
    | OutputAudioDone
    | ResponseEnded
    | SpeechStarted
    | SpeechStopped
)
"""What happens in the conversation."""

HousekeepingEvent = (
    SessionCreated | SessionUpdated | ErrorReported | EventIgnored | EventUnknown | EventMalformed
)
"""What is about the session itself, or nothing."""

ServerEvent = ConversationEvent | HousekeepingEvent

_Json = Mapping[str, object]

_FINAL_STATUSES = frozenset({"completed", "cancelled", "failed", "incomplete"})

_IGNORED = frozenset(
    {
        "conversation.created",
        "conversation.item.added",
        "conversation.item.created",
        "conversation.item.deleted",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.failed",
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.retrieved",
        "conversation.item.truncated",
        "input_audio_buffer.cleared",
        "input_audio_buffer.committed",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "mcp_list_tools.in_progress",
        "output_audio_buffer.cleared",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "rate_limits.updated",
        "response.audio_transcript.delta",
        "response.audio_transcript.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.text.delta",
        "response.text.done",
    }
)


def parse_server_event(text: str | bytes) -> ServerEvent:
    """Return the event that one message holds."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return EventMalformed("not_json")
    if not isinstance(event, dict):
        return EventMalformed("not_an_object")
    event_type = event.get("type")
    if not isinstance(event_type, str):
        return EventMalformed("no_type")
    parser = _PARSERS.get(event_type)
    if parser is not None:
        return parser(event)
    if event_type in _IGNORED:
        return EventIgnored(event_type)
    return EventUnknown(event_type)


def _parse_session_updated(event: _Json) -> SessionUpdated:
    audio = _object(_object(event, "session"), "audio")
    return SessionUpdated(
        input_format=_text(_object(_object(audio, "input"), "format"), "type"),
        output_format=_text(_object(_object(audio, "output"), "format"), "type"),
    )


def _parse_response_created(event: _Json) -> ResponseCreated:
    return ResponseCreated(_text(_object(event, "response"), "id") or "")


def _parse_audio_delta(event: _Json) -> OutputAudioDelta | EventMalformed:
    item_id = _text(event, "item_id")
    if item_id is None:
        return EventMalformed("no_item_id")
    try:
        audio = b64decode(_text(event, "delta") or "", validate=True)
    except (binascii.Error, ValueError):
        return EventMalformed("no_audio")
    return OutputAudioDelta(_text(event, "response_id") or "", item_id, audio)


def _parse_audio_done(event: _Json) -> OutputAudioDone | EventMalformed:
    item_id = _text(event, "item_id")
    return EventMalformed("no_item_id") if item_id is None else OutputAudioDone(item_id)


def _parse_response_done(event: _Json) -> ResponseEnded:
    response = _object(event, "response")
    status = _text(response, "status") or ""
    error = _object(_object(response, "status_details"), "error")
    return ResponseEnded(
        response_id=_text(response, "id") or "",
        status=status if status in _FINAL_STATUSES else "completed",
        error_code=_text(error, "code"),
        error_type=_text(error, "type"),
    )


def _parse_speech_started(event: _Json) -> SpeechStarted:
    return SpeechStarted(_milliseconds(event, "audio_start_ms"))


def _parse_speech_stopped(event: _Json) -> SpeechStopped:
    return SpeechStopped(_milliseconds(event, "audio_end_ms"))


def _parse_error(event: _Json) -> ErrorReported:
    error = _object(event, "error")
    return ErrorReported(
        code=_text(error, "code"),
        type=_text(error, "type"),
        param=_text(error, "param"),
        event_id=_text(error, "event_id"),
    )


_PARSERS: Mapping[str, Callable[[_Json], ServerEvent]] = {
    "session.created": lambda _: SessionCreated(),
    "session.updated": _parse_session_updated,
    "response.created": _parse_response_created,
    "response.output_audio.delta": _parse_audio_delta,
    "response.audio.delta": _parse_audio_delta,
    "response.output_audio.done": _parse_audio_done,
    "response.audio.done": _parse_audio_done,
    "response.done": _parse_response_done,
    "input_audio_buffer.speech_started": _parse_speech_started,
    "input_audio_buffer.speech_stopped": _parse_speech_stopped,
    "error": _parse_error,
}


def _object(parent: _Json, key: str) -> _Json:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(parent: _Json, key: str) -> str | None:
    value = parent.get(key)
    return value if isinstance(value, str) else None


def _milliseconds(parent: _Json, key: str) -> float | None:
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0.0 else None
