"""One response: from ``response.created`` to ``response.done``, its audio faster than real time.

It gets speech from an answerer, cuts it into deltas of equal length, and gives each out when it is
due. Whatever ends it, every part that was opened is closed, in order.

Invariant: after ``response.done`` there is no further event of the response.
"""

from __future__ import annotations

__all__ = ["Pace", "ResponseRun", "ResponseSettings"]

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..core.audio import AudioFormat
from ..core.stream_converter import StreamConverter
from ..core.units import bytes_to_ms, ms_to_bytes
from . import server_events as build
from .answerer import FunctionCall, Speech
from .conversation import Conversation, ConversationItem
from .server_events import Event, PartAddress
from .wire_audio import encoded_audio

_AUDIO_TOKEN_MS = 50
"""Output audio that one token stands for."""
_TEXT_TOKEN_CHARACTERS = 4
"""Text that one token stands for, roughly."""

CancelReason = Literal["turn_detected", "client_cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast answers come."""

    speed_ratio: float = 8.0
    """Audio delivered per wall time; the cloud's is between 3 and 10."""
    delta_ms: int = 160
    """Audio of one delta, in ms; a multiple of 20."""
    first_delta_ms: float = 150.0
    """Least wall time from the request to the first delta, in ms."""

    def __post_init__(self) -> None:
        if self.speed_ratio <= 0:
            raise ValueError(f"speed_ratio: {self.speed_ratio} is not above 0")
        if self.delta_ms < 20 or self.delta_ms % 20:
            raise ValueError(f"delta_ms: {self.delta_ms} is not a multiple of 20")
        if self.first_delta_ms < 0:
            raise ValueError(f"first_delta_ms: {self.first_delta_ms} is below 0")

    def interval_ms(self, piece: Speech) -> float:
        """Return the wall time from a delta to the next, in ms."""
        return piece.audio_format.duration_ms(len(piece.audio)) / self.speed_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSettings:
    """What the session and the request say about one response."""

    response_id: str
    item_id: str
    modality: Literal["audio", "text"]
    wire_format: Mapping[str, Any]
    """The output format as events name it."""
    audio_format: AudioFormat
    voice: Any
    max_output_tokens: int | Literal["inf"]
    metadata: Mapping[str, str] | None
    input_text_tokens: int
    input_audio_tokens: int


class ResponseRun:
    """Generates the events of one response.

    Args:
        settings: What it is like.
        pace: How fast its audio comes.
        conversation: Where its item goes; None for a response outside of the conversation.
        now_ms: When it was asked for.
    """

    def __init__(
        self,
        settings: ResponseSettings,
        pace: Pace,
        conversation: Conversation | None,
        now_ms: float,
    ) -> None:
        self.settings = settings
        self._pace = pace
        self._conversation = conversation
        self._due_ms = now_ms + pace.first_delta_ms
        self._pieces: deque[Speech] = deque()
        self._converter: StreamConverter | None = None
        self._transcript = ""
        self._n_audio_bytes = 0
        self._has_all_speech = False
        self._previous_id: str | None = None
        self._at = PartAddress(response_id=settings.response_id, item_id=settings.item_id)
        self.item: ConversationItem | None = None
        self.status: str = "in_progress"
        self._status_details: Mapping[str, Any] | None = None
        self._function_calls: list[FunctionCall] = []
        self._function_items: list[dict[str, Any]] = []

    @property
    def is_done(self) -> bool:
        """Whether ``response.done`` was given out."""
        return self.status != "in_progress"

    @property
    def is_in_conversation(self) -> bool:
        """Whether the caller's turn interrupts it."""
        return self._conversation is not None

    @property
    def generated_ms(self) -> float:
        """Audio given out so far, in ms."""
        return bytes_to_ms(self._n_audio_bytes, self.settings.audio_format)

    @property
    def waiting_ms(self) -> float:
        """Audio that came and was not given out yet, in ms, counted in deltas."""
        return float(len(self._pieces) * self._pace.delta_ms)

    def created(self) -> list[Event]:
        """Return the first event."""
        return [build.response_created(self._resource())]

    def receive_speech(self, speech: Speech, now_ms: float) -> None:
        """Take a piece of the answer; it follows what is there already."""
        if not self._pieces:
            self._due_ms = max(self._due_ms, now_ms)
        self._pieces.extend(_cut(speech, self._pace.delta_ms))

    def receive_function_call(self, call: FunctionCall) -> None:
        """Take a function that the client is to call; it comes after all that is said."""
        self._function_calls.append(call)

    def receive_end(self) -> None:
        """Take note that the answer is complete."""
        self._has_all_speech = True

    def next_deadline_ms(self) -> float | None:
        """Return when :meth:`advance` has something to give, or None while it waits for speech."""
        if self.is_done or not (self._pieces or self._has_all_speech):
            return None
        return self._due_ms

    def advance(self, now_ms: float) -> list[Event]:
        """Return the events that are due."""
        events: list[Event] = []
        while self._pieces and self._due_ms <= now_ms and not self.is_done:
            piece = self._pieces.popleft()
            self._due_ms += self._pace.interval_ms(piece)
            events += self._delta_of(piece)
        if self._has_all_speech and not self._pieces and not self.is_done:
            events += self._finish("completed", None)
        return events

    def cancel(self, reason: CancelReason) -> list[Event]:
        """End it now and return the closing events."""
        self._pieces.clear()
        return self._finish("cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, message: str) -> list[Event]:
        """End it because there is no answer, and return the closing events."""
        self._pieces.clear()
        error = {"type": "server_error", "code": "answer_failed", "message": message}
        return self._finish("failed", {"type": "failed", "error": error})

    def _delta_of(self, piece: Speech) -> list[Event]:
        audio = self._converted(piece) if self.settings.modality == "audio" else b""
        if self._exceeds_tokens(piece.text, audio):
            self._pieces.clear()
            reason = {"type": "incomplete", "reason": "max_output_tokens"}
            return self._finish("incomplete", reason)
        events = [] if self.item else self._open_item()
        text = self._spaced(piece.text)
        self._transcript += text
        self._n_audio_bytes += len(audio)
        if self.item:
            self.item.add_audio(audio, piece.text)
        return events + self._deltas(text, audio)

    def _deltas(self, text: str, audio: bytes) -> list[Event]:
        events = []
        if text and self.settings.modality == "text":
            events.append(build.output_text_delta(self._at, text))
        elif text:
            events.append(build.output_transcript_delta(self._at, text))
        if audio:
            events.append(build.output_audio_delta(self._at, encoded_audio(audio)))
        return events

    def _open_item(self) -> list[Event]:
        self.item = ConversationItem(
            id=self.settings.item_id,
            body=self._item_body("in_progress"),
            audio_format=self.settings.audio_format,
        )
        empty = {**self.item.body, "content": []}
        events = [build.output_item_added(self.settings.response_id, empty)]
        if self._conversation is not None:
            self._previous_id = self._conversation.add(self.item)
            events.append(build.item_added(empty, self._previous_id))
        return [*events, build.content_part_added(self._at, self._part())]

    def _finish(self, status: str, details: Mapping[str, Any] | None) -> list[Event]:
        self.status = status
        self._status_details = details
        events = self._close_item(self.item) if self.item else []
        if status == "completed":
            for call in self._function_calls:
                events += self._call_function(call)
        return [*events, build.response_done(self._resource())]

    def _call_function(self, call: FunctionCall) -> list[Event]:
        """Return the events of one function call, from its item's begin to its end."""
        number = len(self._function_items) + 1
        body = {
            "id": f"{self.settings.item_id}_function{number}",
            "object": "realtime.item",
            "type": "function_call",
            "status": "completed",
            "name": call.name,
            "call_id": f"call_{self.settings.response_id}_{number}",
            "arguments": call.arguments,
        }
        index = len(self._output)
        self._function_items.append(body)
        opened = {**body, "status": "in_progress", "arguments": ""}
        response_id = self.settings.response_id
        events = [build.output_item_added(response_id, opened, index)]
        closing = [build.output_item_done(response_id, body, index)]
        if self._conversation is not None:
            previous_id = self._conversation.add(ConversationItem(id=body["id"], body=body))
            events.append(build.item_added(opened, previous_id))
            closing.append(build.item_done(body, previous_id))
        events.append(build.function_arguments_delta(response_id, body, index))
        events.append(build.function_arguments_done(response_id, body, index))
        return [*events, *closing]

    @property
    def _output(self) -> list[dict[str, Any]]:
        """Its items so far, in order."""
        return [*([self.item.body] if self.item else []), *self._function_items]

    def _close_item(self, item: ConversationItem) -> list[Event]:
        item.body = self._item_body("completed" if self.status == "completed" else "incomplete")
        if self.settings.modality == "text":
            events = [build.output_text_done(self._at, self._transcript)]
        else:
            events = [
                build.output_audio_done(self._at),
                build.output_transcript_done(self._at, self._transcript),
            ]
        events.append(build.content_part_done(self._at, self._part()))
        events.append(build.output_item_done(self.settings.response_id, item.body))
        if self._conversation is not None:
            events.append(build.item_done(item.body, self._previous_id))
        return events

    def _part(self) -> Event:
        """Return the content part as content_part events write it."""
        if self.settings.modality == "text":
            return {"type": "text", "text": self._transcript}
        return {"type": "audio", "transcript": self._transcript}

    def _item_body(self, status: str) -> dict[str, Any]:
        is_cut = self.item is not None and self.item.is_truncated
        if self.settings.modality == "text":
            part = {"type": "output_text", "text": self._transcript}
        else:
            part = {"type": "output_audio", "transcript": "" if is_cut else self._transcript}
        return {
            "id": self.settings.item_id,
            "object": "realtime.item",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [part],
        }

    def _resource(self) -> dict[str, Any]:
        """Return the response object as events write it."""
        settings = self.settings
        return {
            "object": "realtime.response",
            "id": settings.response_id,
            "status": self.status,
            "status_details": self._status_details,
            "output": self._output if self.is_done else [],
            "conversation_id": self._conversation.id if self._conversation else None,
            "output_modalities": [settings.modality],
            "max_output_tokens": settings.max_output_tokens,
            "audio": {"output": {"format": dict(settings.wire_format), "voice": settings.voice}},
            "usage": self._usage() if self.is_done else None,
            "metadata": dict(settings.metadata) if settings.metadata is not None else None,
        }

    def _usage(self) -> dict[str, Any]:
        settings = self.settings
        text_tokens, audio_tokens = self._output_tokens(self._transcript, self.generated_ms)
        input_tokens = settings.input_text_tokens + settings.input_audio_tokens
        return {
            "total_tokens": input_tokens + text_tokens + audio_tokens,
            "input_tokens": input_tokens,
            "output_tokens": text_tokens + audio_tokens,
            "input_token_details": {
                "text_tokens": settings.input_text_tokens,
                "audio_tokens": settings.input_audio_tokens,
                "image_tokens": 0,
                "cached_tokens": 0,
            },
            "output_token_details": {"text_tokens": text_tokens, "audio_tokens": audio_tokens},
        }

    def _exceeds_tokens(self, text: str, audio: bytes) -> bool:
        limit = self.settings.max_output_tokens
        if limit == "inf":
            return False
        audio_ms = self.generated_ms + bytes_to_ms(len(audio), self.settings.audio_format)
        return sum(self._output_tokens(self._transcript + text, audio_ms)) > limit

    @staticmethod
    def _output_tokens(text: str, audio_ms: float) -> tuple[int, int]:
        text_tokens = math.ceil(len(text) / _TEXT_TOKEN_CHARACTERS)
        return text_tokens, math.ceil(audio_ms / _AUDIO_TOKEN_MS)

    def _converted(self, piece: Speech) -> bytes:
        if self._converter is None or self._converter.source != piece.audio_format:
            self._converter = StreamConverter(piece.audio_format, self.settings.audio_format)
        return self._converter.process(piece.audio)

    def _spaced(self, text: str) -> str:
        return f" {text}" if text and self._transcript else text


def _cut(speech: Speech, piece_ms: int) -> list[Speech]:
    """Cut speech into pieces of equal length, the words spread over them in order."""
    size = ms_to_bytes(piece_ms, speech.audio_format)
    audio = [speech.audio[at : at + size] for at in range(0, len(speech.audio), size)] or [b""]
    words = speech.text.split()
    bounds = [math.ceil(len(words) * n / len(audio)) for n in range(len(audio) + 1)]
    return [
        Speech(
            text=" ".join(words[bounds[n] : bounds[n + 1]]),
            audio=piece,
            audio_format=speech.audio_format,
        )
        for n, piece in enumerate(audio)
    ]
