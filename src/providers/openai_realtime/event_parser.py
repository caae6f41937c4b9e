"""The events of a Realtime server, out of JSON text.

Both the GA names and those of the beta, which compatible servers still send, are known. Invariant:
no text makes :func:`parse_server_event` raise.
"""

from __future__ import annotations

__all__ = ["parse_server_event"]

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping

from ..base import RateLimit, Speaker, TokenUsage
from ..json_fields import (
    JsonObject,
    NotAnObject,
    count_at,
    number_at,
    object_at,
    parsed_object,
    text_at,
)
from .server_events import (
    ErrorReported,
    EventIgnored,
    EventMalformed,
    EventUnknown,
    FunctionRequest,
    IdleTriggered,
    OutputAudioDelta,
    OutputAudioDone,
    RateLimitsReported,
    ResponseCreated,
    ResponseEnded,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    TranscriptionFailed,
    TranscriptReceived,
    TurnCommitted,
)

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
    """Return the event that one message holds; whatever it holds, there is one."""
    event = parsed_object(text)
    if isinstance(event, NotAnObject):
        return EventMalformed(str(event))
    event_type = text_at(event, "type")
    if event_type is None:
        return EventMalformed("no_type")
    parser = _PARSERS.get(event_type)
    if parser is not None:
        return parser(event)
    if event_type in _IGNORED:
        return EventIgnored(event_type)
    return EventUnknown(event_type)


def _ignored(event: JsonObject) -> EventIgnored:
    return EventIgnored(text_at(event, "type") or "")


def _parse_session_updated(event: JsonObject) -> SessionUpdated:
    audio = object_at(object_at(event, "session"), "audio")
    return SessionUpdated(
        input_format=text_at(object_at(object_at(audio, "input"), "format"), "type"),
        output_format=text_at(object_at(object_at(audio, "output"), "format"), "type"),
    )


def _parse_response_created(event: JsonObject) -> ResponseCreated:
    return ResponseCreated(text_at(object_at(event, "response"), "id") or "")


def _parse_audio_delta(event: JsonObject) -> OutputAudioDelta | EventMalformed:
    item_id = text_at(event, "item_id")
    if item_id is None:
        return EventMalformed("no_item_id")
    try:
        audio = b64decode(text_at(event, "delta") or "", validate=True)
    except (binascii.Error, ValueError):
        return EventMalformed("no_audio")
    return OutputAudioDelta(text_at(event, "response_id") or "", item_id, audio)


def _parse_audio_done(event: JsonObject) -> OutputAudioDone | EventMalformed:
    item_id = text_at(event, "item_id")
    return EventMalformed("no_item_id") if item_id is None else OutputAudioDone(item_id)


def _parse_response_done(event: JsonObject) -> ResponseEnded:
    response = object_at(event, "response")
    status = text_at(response, "status") or ""
    error = object_at(object_at(response, "status_details"), "error")
    return ResponseEnded(
        response_id=text_at(response, "id") or "",
        status=status if status in _FINAL_STATUSES else "completed",
        error_code=text_at(error, "code"),
        error_type=text_at(error, "type"),
        functions=tuple(_functions_in(response)),
        usage=_parse_usage(response),
    )


def _functions_in(response: JsonObject) -> Iterator[FunctionRequest]:
    output = response.get("output")
    for item in output if isinstance(output, list) else ():
        if isinstance(item, dict) and item.get("type") == "function_call":
            request = _function_request(text_at(response, "id") or "", item)
            if request is not None:
                yield request


def _function_request(response_id: str, item: JsonObject) -> FunctionRequest | None:
    function_call_id, name = text_at(item, "call_id"), text_at(item, "name")
    if not function_call_id or not name:
        return None
    return FunctionRequest(
        response_id=response_id,
        function_call_id=function_call_id,
        name=name,
        arguments=text_at(item, "arguments") or "",
    )


def _parse_function_done(event: JsonObject) -> FunctionRequest | EventIgnored:
    # Compatible servers leave the name out here; the item that follows has it.
    request = _function_request(text_at(event, "response_id") or "", event)
    return _ignored(event) if request is None else request


def _parse_item_done(event: JsonObject) -> FunctionRequest | EventIgnored | EventMalformed:
    item = object_at(event, "item")
    if item.get("type") != "function_call":
        return _ignored(event)
    request = _function_request(text_at(event, "response_id") or "", item)
    return EventMalformed("no_function") if request is None else request


def _parse_usage(response: JsonObject) -> TokenUsage | None:
    usage = object_at(response, "usage")
    if not usage:
        return None
    read, written = (
        object_at(usage, "input_token_details"),
        object_at(usage, "output_token_details"),
    )
    return TokenUsage(
        input_tokens=count_at(usage, "input_tokens"),
        cached_input_tokens=count_at(read, "cached_tokens"),
        input_audio_tokens=count_at(read, "audio_tokens"),
        output_tokens=count_at(usage, "output_tokens"),
        output_audio_tokens=count_at(written, "audio_tokens"),
    )


def _parse_committed(event: JsonObject) -> TurnCommitted | EventMalformed:
    item_id = text_at(event, "item_id")
    return EventMalformed("no_item_id") if item_id is None else TurnCommitted(item_id)


def _transcript_parser(
    speaker: Speaker, key: str, *, is_final: bool
) -> Callable[[JsonObject], TranscriptReceived | EventMalformed]:
    def parse(event: JsonObject) -> TranscriptReceived | EventMalformed:
        item_id = text_at(event, "item_id")
        if item_id is None:
            return EventMalformed("no_item_id")
        text = text_at(event, key) or ""
        return TranscriptReceived(speaker=speaker, item_id=item_id, text=text, is_final=is_final)

    return parse


def _parse_transcription_failed(event: JsonObject) -> TranscriptionFailed:
    error = object_at(event, "error")
    return TranscriptionFailed(code=text_at(error, "code"), type=text_at(error, "type"))


def _parse_rate_limits(event: JsonObject) -> RateLimitsReported:
    limits = event.get("rate_limits")
    return RateLimitsReported(
        tuple(
            RateLimit(
                name=text_at(limit, "name") or "",
                remaining=number_at(limit, "remaining"),
                reset_s=number_at(limit, "reset_seconds"),
            )
            for limit in (limits if isinstance(limits, list) else ())
            if isinstance(limit, dict)
        )
    )


def _parse_speech_started(event: JsonObject) -> SpeechStarted:
    return SpeechStarted(number_at(event, "audio_start_ms"))


def _parse_speech_stopped(event: JsonObject) -> SpeechStopped:
    return SpeechStopped(number_at(event, "audio_end_ms"))


def _parse_error(event: JsonObject) -> ErrorReported:
    error = object_at(event, "error")
    return ErrorReported(
        code=text_at(error, "code"),
        type=text_at(error, "type"),
        param=text_at(error, "param"),
        event_id=text_at(error, "event_id"),
    )


_AGENT_PIECE = _transcript_parser(Speaker.AGENT, "delta", is_final=False)
_AGENT_WHOLE = _transcript_parser(Speaker.AGENT, "transcript", is_final=True)

_PARSERS: Mapping[str, Callable[[JsonObject], ServerEvent]] = {
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
