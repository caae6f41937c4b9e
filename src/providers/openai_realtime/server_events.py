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
    "FunctionRequest",
    "HousekeepingEvent",
    "IdleTriggered",
    "OutputAudioDelta",
    "OutputAudioDone",
    "RateLimitsReported",
    "ResponseCreated",
    "ResponseEnded",
    "ServerEvent",
    "SessionCreated",
    "SessionUpdated",
    "SpeechStarted",
    "SpeechStopped",
    "TranscriptReceived",
    "TranscriptionFailed",
    "TurnCommitted",
    "parse_server_event",
]

import binascii
import json
import math
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ..base import RateLimit, Speaker, TokenUsage


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
class FunctionRequest:
    """The model calls a function; its response may say so more than once."""

    response_id: str
    function_call_id: str
    """Under which the server wants the result."""
    name: str
    arguments: str = field(repr=False)
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseEnded:
    """The answer is complete, or was given up."""

    response_id: str
    status: str
    error_code: str | None = None
    """Why a failed response failed, or None."""
    error_type: str | None = None
    functions: tuple[FunctionRequest, ...] = ()
    """Functions that are called in its output."""
    usage: TokenUsage | None = None


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


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """The caller's turn is an item of the conversation now."""

    item_id: str


@dataclass(frozen=True, slots=True)
class IdleTriggered:
    """The idle timeout ran out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptReceived:
    """What was said in an item, or the next piece of it."""

    speaker: Speaker
    item_id: str
    text: str = field(repr=False)
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionFailed:
    """The recogniser could not do a turn of the caller; the model heard it all the same."""

    code: str | None
    type: str | None


@dataclass(frozen=True, slots=True)
class RateLimitsReported:
    """What is left of the account's limits."""

    limits: tuple[RateLimit, ...]


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
    """Closed set: ``not_json``, ``not_an_object``, ``no_type``, ``no_item_id``, ``no_audio`` or
    ``no_function``."""


ConversationEvent = (
    ResponseCreated
    | OutputAudioDelta
    | OutputAudioDone
    | ResponseEnded
    | SpeechStarted
    | SpeechStopped
    | TurnCommitted
    | IdleTriggered
    | FunctionRequest
    | TranscriptReceived
    | TranscriptionFailed
)
"""What happens in the conversation."""

HousekeepingEvent = (
    SessionCreated
    | SessionUpdated
    | RateLimitsReported
    | ErrorReported
    | EventIgnored
    | EventUnknown
    | EventMalformed
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
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.retrieved",
        "conversation.item.truncated",
        "input_audio_buffer.cleared",
        "input_audio_buffer.dtmf_event_received",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "mcp_list_tools.in_progress",
        "output_audio_buffer.cleared",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "response.content_part.added",
        "response.content_part.done",
        "response.function_call_arguments.delta",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.output_item.added",
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


def _ignored(event: _Json) -> EventIgnored:
    return EventIgnored(_text(event, "type") or "")


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
        functions=tuple(_functions_in(response)),
        usage=_parse_usage(response),
    )


def _functions_in(response: _Json) -> Iterator[FunctionRequest]:
    output = response.get("output")
    for item in output if isinstance(output, list) else ():
        if isinstance(item, dict) and item.get("type") == "function_call":
            request = _function_request(_text(response, "id") or "", item)
            if request is not None:
                yield request


def _function_request(response_id: str, item: _Json) -> FunctionRequest | None:
    function_call_id, name = _text(item, "call_id"), _text(item, "name")
    if not function_call_id or not name:
        return None
    return FunctionRequest(
        response_id=response_id,
        function_call_id=function_call_id,
        name=name,
        arguments=_text(item, "arguments") or "",
    )


def _parse_function_done(event: _Json) -> FunctionRequest | EventIgnored:
    # Compatible servers leave the name out here; the item that follows has it.
    request = _function_request(_text(event, "response_id") or "", event)
    return _ignored(event) if request is None else request


def _parse_item_done(event: _Json) -> FunctionRequest | EventIgnored | EventMalformed:
    item = _object(event, "item")
    if item.get("type") != "function_call":
        return _ignored(event)
    request = _function_request(_text(event, "response_id") or "", item)
    return EventMalformed("no_function") if request is None else request


def _parse_usage(response: _Json) -> TokenUsage | None:
    usage = _object(response, "usage")
    if not usage:
        return None
    read, written = _object(usage, "input_token_details"), _object(usage, "output_token_details")
    return TokenUsage(
        input_tokens=_count(usage, "input_tokens"),
        cached_input_tokens=_count(read, "cached_tokens"),
        input_audio_tokens=_count(read, "audio_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        output_audio_tokens=_count(written, "audio_tokens"),
    )


def _parse_committed(event: _Json) -> TurnCommitted | EventMalformed:
    item_id = _text(event, "item_id")
    return EventMalformed("no_item_id") if item_id is None else TurnCommitted(item_id)


def _transcript_parser(
    speaker: Speaker, key: str, *, is_final: bool
) -> Callable[[_Json], TranscriptReceived | EventMalformed]:
    def parse(event: _Json) -> TranscriptReceived | EventMalformed:
        item_id = _text(event, "item_id")
        if item_id is None:
            return EventMalformed("no_item_id")
        text = _text(event, key) or ""
        return TranscriptReceived(speaker=speaker, item_id=item_id, text=text, is_final=is_final)

    return parse


def _parse_transcription_failed(event: _Json) -> TranscriptionFailed:
    error = _object(event, "error")
    return TranscriptionFailed(code=_text(error, "code"), type=_text(error, "type"))


def _parse_rate_limits(event: _Json) -> RateLimitsReported:
    limits = event.get("rate_limits")
    return RateLimitsReported(
        tuple(
            RateLimit(
                name=_text(limit, "name") or "",
                remaining=_number(limit, "remaining"),
                reset_s=_number(limit, "reset_seconds"),
            )
            for limit in (limits if isinstance(limits, list) else ())
            if isinstance(limit, dict)
        )
    )


def _parse_speech_started(event: _Json) -> SpeechStarted:
    return SpeechStarted(_number(event, "audio_start_ms"))


def _parse_speech_stopped(event: _Json) -> SpeechStopped:
    return SpeechStopped(_number(event, "audio_end_ms"))


def _parse_error(event: _Json) -> ErrorReported:
    error = _object(event, "error")
    return ErrorReported(
        code=_text(error, "code"),
        type=_text(error, "type"),
        param=_text(error, "param"),
        event_id=_text(error, "event_id"),
    )


_AGENT_PIECE = _transcript_parser(Speaker.AGENT, "delta", is_final=False)
_AGENT_WHOLE = _transcript_parser(Speaker.AGENT, "transcript", is_final=True)

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
    "input_audio_buffer.committed": _parse_committed,
    "input_audio_buffer.timeout_triggered": lambda _: IdleTriggered(),
    "response.function_call_arguments.done": _parse_function_done,
    "response.output_item.done": _parse_item_done,
    "response.output_audio_transcript.delta": _AGENT_PIECE,
    "response.audio_transcript.delta": _AGENT_PIECE,
    "response.output_text.delta": _AGENT_PIECE,
    "response.text.delta": _AGENT_PIECE,
    "response.output_audio_transcript.done": _AGENT_WHOLE,
    "response.audio_transcript.done": _AGENT_WHOLE,
    "response.output_text.done": _transcript_parser(Speaker.AGENT, "text", is_final=True),
    "response.text.done": _transcript_parser(Speaker.AGENT, "text", is_final=True),
    "conversation.item.input_audio_transcription.delta": _transcript_parser(
        Speaker.CALLER, "delta", is_final=False
    ),
    "conversation.item.input_audio_transcription.completed": _transcript_parser(
        Speaker.CALLER, "transcript", is_final=True
    ),
    "conversation.item.input_audio_transcription.failed": _parse_transcription_failed,
    "rate_limits.updated": _parse_rate_limits,
    "error": _parse_error,
}


def _object(parent: _Json, key: str) -> _Json:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(parent: _Json, key: str) -> str | None:
    value = parent.get(key)
    return value if isinstance(value, str) else None


def _count(parent: _Json, key: str) -> int:
    value = parent.get(key)
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count and isinstance(value, int) else 0


def _number(parent: _Json, key: str) -> float | None:
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0.0 else None
