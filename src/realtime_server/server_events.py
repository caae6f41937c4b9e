"""Builds what the server sends: one function an event, named for it, with the fields of the GA API.

The session adds ``event_id``. Invariant: an event built here is complete but for that id.
"""

from __future__ import annotations

__all__ = [
    "Event",
    "PartAddress",
    "content_part_added",
    "content_part_done",
    "error",
    "function_arguments_delta",
    "function_arguments_done",
    "input_audio_cleared",
    "input_audio_committed",
    "item_added",
    "item_deleted",
    "item_done",
    "item_retrieved",
    "item_truncated",
    "output_audio_delta",
    "output_audio_done",
    "output_item_added",
    "output_item_done",
    "output_text_delta",
    "output_text_done",
    "output_transcript_delta",
    "output_transcript_done",
    "rate_limits_updated",
    "response_created",
    "response_done",
    "session_created",
    "session_updated",
    "speech_started",
    "speech_stopped",
    "timeout_triggered",
    "transcription_completed",
    "transcription_delta",
    "transcription_failed",
]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .request_error import RequestError

Event = dict[str, Any]
"""One event as JSON would have it."""

Fields = Mapping[str, Any]

_RATE_LIMITS = (("requests", 10_000), ("tokens", 2_000_000))
"""Nothing is limited here; the event exists because clients expect it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAddress:
    """Where in a response a piece of content stands; there is one item with one part."""

    response_id: str
    item_id: str

    def fields(self) -> Event:
        """Return the address as the fields of an event."""
        return {
            "response_id": self.response_id,
            "item_id": self.item_id,
            "output_index": 0,
            "content_index": 0,
        }


def session_created(session: Fields) -> Event:
    """Return ``session.created``."""
    return {"type": "session.created", "session": dict(session)}


def session_updated(session: Fields) -> Event:
    """Return ``session.updated``."""
    return {"type": "session.updated", "session": dict(session)}


def error(problem: RequestError) -> Event:
    """Return ``error`` for a client event that can't be carried out."""
    return {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "code": problem.code,
            "message": problem.message,
            "param": problem.param,
            "event_id": problem.event_id,
        },
    }


def speech_started(item_id: str, audio_start_ms: float) -> Event:
    """Return ``input_audio_buffer.speech_started``."""
    return {
        "type": "input_audio_buffer.speech_started",
        "audio_start_ms": round(audio_start_ms),
        "item_id": item_id,
    }


def speech_stopped(item_id: str, audio_end_ms: float) -> Event:
    """Return ``input_audio_buffer.speech_stopped``."""
    return {
        "type": "input_audio_buffer.speech_stopped",
        "audio_end_ms": round(audio_end_ms),
        "item_id": item_id,
    }


def timeout_triggered(item_id: str, audio_start_ms: float, audio_end_ms: float) -> Event:
    """Return ``input_audio_buffer.timeout_triggered``."""
    return {
        "type": "input_audio_buffer.timeout_triggered",
        "audio_start_ms": round(audio_start_ms),
        "audio_end_ms": round(audio_end_ms),
        "item_id": item_id,
    }


def input_audio_committed(item_id: str, previous_item_id: str | None) -> Event:
    """Return ``input_audio_buffer.committed``."""
    return {
        "type": "input_audio_buffer.committed",
        "previous_item_id": previous_item_id,
        "item_id": item_id,
    }


def input_audio_cleared() -> Event:
    """Return ``input_audio_buffer.cleared``."""
    return {"type": "input_audio_buffer.cleared"}


def transcription_delta(item_id: str, text: str) -> Event:
    """Return ``conversation.item.input_audio_transcription.delta``."""
    return {
        "type": "conversation.item.input_audio_transcription.delta",
        "item_id": item_id,
        "content_index": 0,
        "delta": text,
    }


def transcription_completed(item_id: str, text: str, duration_ms: float) -> Event:
    """Return ``conversation.item.input_audio_transcription.completed``."""
    return {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": item_id,
        "content_index": 0,
        "transcript": text,
        "usage": {"type": "duration", "seconds": duration_ms / 1000},
    }


def transcription_failed(item_id: str, code: str, message: str) -> Event:
    """Return ``conversation.item.input_audio_transcription.failed``."""
    return {
        "type": "conversation.item.input_audio_transcription.failed",
        "item_id": item_id,
        "content_index": 0,
        "error": {
            "type": "server_error",
            "code": code,
            "message": message,
            "param": None,
        },
    }


def item_added(item: Fields, previous_item_id: str | None) -> Event:
    """Return ``conversation.item.added``."""
    return {
        "type": "conversation.item.added",
        "previous_item_id": previous_item_id,
        "item": dict(item),
    }


def item_done(item: Fields, previous_item_id: str | None) -> Event:
    """Return ``conversation.item.done``."""
    return {
        "type": "conversation.item.done",
        "previous_item_id": previous_item_id,
        "item": dict(item),
    }


def item_retrieved(item: Fields) -> Event:
    """Return ``conversation.item.retrieved``."""
    return {"type": "conversation.item.retrieved", "item": dict(item)}


def item_deleted(item_id: str) -> Event:
    """Return ``conversation.item.deleted``."""
    return {"type": "conversation.item.deleted", "item_id": item_id}


def item_truncated(item_id: str, content_index: int, audio_end_ms: int) -> Event:
    """Return ``conversation.item.truncated``."""
    return {
        "type": "conversation.item.truncated",
        "item_id": item_id,
        "content_index": content_index,
        "audio_end_ms": audio_end_ms,
    }


def response_created(response: Fields) -> Event:
    """Return ``response.created``."""
    return {"type": "response.created", "response": dict(response)}


def response_done(response: Fields) -> Event:
    """Return ``response.done``."""
    return {"type": "response.done", "response": dict(response)}


def output_item_added(response_id: str, item: Fields, output_index: int = 0) -> Event:
    """Return ``response.output_item.added``."""
    return _output_item("response.output_item.added", response_id, item, output_index)


def output_item_done(response_id: str, item: Fields, output_index: int = 0) -> Event:
    """Return ``response.output_item.done``."""
    return _output_item("response.output_item.done", response_id, item, output_index)


def function_arguments_delta(response_id: str, item: Fields, output_index: int) -> Event:
    """Return ``response.function_call_arguments.delta`` with all arguments of an item."""
    address = _function_address(response_id, item, output_index)
    event_type = "response.function_call_arguments.delta"
    return {"type": event_type, **address, "delta": item["arguments"]}


def function_arguments_done(response_id: str, item: Fields, output_index: int) -> Event:
    """Return ``response.function_call_arguments.done``."""
    return {
        "type": "response.function_call_arguments.done",
        **_function_address(response_id, item, output_index),
        "name": item["name"],
        "arguments": item["arguments"],
    }


def content_part_added(at: PartAddress, part: Fields) -> Event:
    """Return ``response.content_part.added``."""
    return {"type": "response.content_part.added", **at.fields(), "part": dict(part)}


def content_part_done(at: PartAddress, part: Fields) -> Event:
    """Return ``response.content_part.done``."""
    return {"type": "response.content_part.done", **at.fields(), "part": dict(part)}


def output_audio_delta(at: PartAddress, audio: str) -> Event:
    """Return ``response.output_audio.delta``; the audio is base64."""
    return {"type": "response.output_audio.delta", **at.fields(), "delta": audio}


def output_audio_done(at: PartAddress) -> Event:
    """Return ``response.output_audio.done``."""
    return {"type": "response.output_audio.done", **at.fields()}


def output_transcript_delta(at: PartAddress, text: str) -> Event:
    """Return ``response.output_audio_transcript.delta``."""
    return {"type": "response.output_audio_transcript.delta", **at.fields(), "delta": text}


def output_transcript_done(at: PartAddress, text: str) -> Event:
    """Return ``response.output_audio_transcript.done``."""
    return {"type": "response.output_audio_transcript.done", **at.fields(), "transcript": text}


def output_text_delta(at: PartAddress, text: str) -> Event:
    """Return ``response.output_text.delta``."""
    return {"type": "response.output_text.delta", **at.fields(), "delta": text}


def output_text_done(at: PartAddress, text: str) -> Event:
    """Return ``response.output_text.done``."""
    return {"type": "response.output_text.done", **at.fields(), "text": text}


def rate_limits_updated() -> Event:
    """Return ``rate_limits.updated``."""
    limits = [
        {"name": name, "limit": limit, "remaining": limit, "reset_seconds": 0.0}
        for name, limit in _RATE_LIMITS
    ]
    return {"type": "rate_limits.updated", "rate_limits": limits}


def _function_address(response_id: str, item: Fields, output_index: int) -> Event:
    return {
        "response_id": response_id,
        "item_id": item["id"],
        "output_index": output_index,
        "call_id": item["call_id"],
    }


def _output_item(event_type: str, response_id: str, item: Fields, output_index: int) -> Event:
    return {
        "type": event_type,
        "response_id": response_id,
        "output_index": output_index,
        "item": dict(item),
    }
