"""A session of the Realtime protocol that costs next to nothing: for a hundred of them on one core.

Turns are found by level alone, on the clock of the audio received; every turn is answered with the
next of some sentences. It says the events of the protocol that a client must know, in their order,
and takes all that a client may send. Invariant: no message of a client raises.
"""

from __future__ import annotations

__all__ = ["LightSession", "SpokenAnswer"]

from base64 import b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from ...core.audio import AudioFormat, Encoding
from ...core.g711 import decode, encode
from ...core.stream_converter import StreamConverter
from ...realtime_server import Pace
from ...realtime_server import server_events as build
from ...realtime_server.server_events import Event, PartAddress
from .frame_log import EventRow, FrameLog, frame_digest

_MULAW = AudioFormat(Encoding.MULAW)
_ALAW = AudioFormat(Encoding.ALAW)
_PCM24 = AudioFormat(rate_hz=24_000)
_FORMATS: Mapping[str, AudioFormat] = {
    "audio/pcmu": _MULAW,
    "audio/pcma": _ALAW,
    "audio/pcm": _PCM24,
}
_FRAME_BYTES = _MULAW.frame_bytes
_SILENCE = _MULAW.silence(_FRAME_BYTES)
_LOUD_MAGNITUDE = 150
"""Mean magnitude, int16 units, from which a frame is loud: -45 dBFS for speech."""
_STEP = 16
"""Magnitudes are summed in units of this, of every fourth sample: a byte each."""
_MAGNITUDES = bytes(
    min(255, abs(int(sample)) // _STEP) for sample in decode(bytes(range(256)), _MULAW)
)
_LOUD_SUM = _LOUD_MAGNITUDE * (_FRAME_BYTES // 4) // _STEP
_ONSET_MS = 120.0
"""Loud audio, less the audio between it that is not, from which the caller speaks."""
_SILENCE_MS = 500.0
"""Where the client does not say how long a silence ends a turn."""


class _ClientEvent(msgspec.Struct):
    type: str = ""
    event_id: str | None = None
    audio: bytes = b""
    session: dict[str, Any] | None = None
    item: dict[str, Any] | None = None
    item_id: str = ""
    content_index: int = 0
    audio_end_ms: int = 0


_DECODER = msgspec.json.Decoder(_ClientEvent)
_ENCODER = msgspec.json.Encoder()


class SpokenAnswer:
    """A sentence that turns are answered with, cut into deltas once for all sessions.

    Args:
        text: Its words.
        audio: mu-law, 8 kHz.
        delta_ms: Audio of one delta.
    """

    def __init__(self, text: str, audio: bytes, delta_ms: int) -> None:
        self.text = text
        self.duration_ms = _MULAW.duration_ms(len(audio))
        self._audio = audio
        self._delta_ms = delta_ms
        self._deltas: dict[str, tuple[str, ...]] = {}

    def deltas(self, format_name: str) -> tuple[str, ...]:
        """Return the base64 of its deltas in a format that the protocol names."""
        if format_name not in self._deltas:
            self._deltas[format_name] = tuple(self._cut(_FORMATS.get(format_name, _MULAW)))
        return self._deltas[format_name]

    def _cut(self, audio_format: AudioFormat) -> list[str]:
        audio = self._audio
        if audio_format == _ALAW:
            audio = encode(decode(audio, _MULAW), _ALAW)
        elif audio_format == _PCM24:
            audio = StreamConverter(_MULAW, _PCM24).process(audio)
        size = audio_format.frame_bytes * self._delta_ms // 20
        pieces = (audio[at : at + size] for at in range(0, len(audio), size))
        return [b64encode(piece).decode("ascii") for piece in pieces]


@dataclass(slots=True)
class _Turn:
    """The caller's speech, by level."""

    voiced_ms: float = 0.0
    silent_ms: float = 0.0
    is_speaking: bool = False
    item_id: str = ""


@dataclass(slots=True)
class _Response:
    """The answer that is being sent."""

    at: PartAddress
    answer: SpokenAnswer
    deltas: deque[str]
    due_ms: float
    is_open: bool = False
    item: dict[str, Any] = field(default_factory=dict)


class LightSession:
    """The server's side of one session; outputs are JSON texts that wait to be sent.

    Args:
        number: Of the session; part of its ids and of the rows of its logs.
        answers: What turns are answered with, in order and from the start again.
        pace: How fast answers come.
        received: Gets a row for each 20 ms of audio received, by digest.
        lengths: Gets a row for each message of audio received, by its length at 8 kHz.
        events: Gets what else happens.
    """

    def __init__(
        self,
        number: int,
        answers: Sequence[SpokenAnswer],
        *,
        pace: Pace,
        received: FrameLog,
        lengths: FrameLog,
        events: list[EventRow],
    ) -> None:
        self._number = number
        self._answers = answers
        self._pace = pace
        self._received = received
        self._lengths = lengths
        self._events = events
        self._session: dict[str, Any] = {"type": "realtime"}
        self._input = self._output = "audio/pcm"
        self._silence_ms = _SILENCE_MS
        self._detection: Mapping[str, Any] | None = {}
        self._position_ms = 0.0
        self._turn = _Turn()
        self._response: _Response | None = None
        self._n_answers = number  # so that not all callers hear the same at the same time
        self._n_ids = 0
        self._outputs: deque[str] = deque()
        self._send(build.session_created(self._session_object()))

    def receive_message(self, message: str | bytes, now_ms: float) -> None:
        """Take one message of the client."""
        try:
            event = _DECODER.decode(message)
        except msgspec.DecodeError:
            self._refuse("invalid_json")
            return
        if event.type == "input_audio_buffer.append":
            self._append(event.audio, now_ms)
        else:
            self._carry_out(event, now_ms)

    def handle_deadline(self, now_ms: float) -> None:
        """Send what is due of the answer."""
        response = self._response
        while response is not None and response.due_ms <= now_ms:
            self._send_next(response, now_ms)
            response = self._response

    def next_deadline_ms(self) -> float | None:
        """Return when :meth:`handle_deadline` has something to send, or None."""
        return None if self._response is None else self._response.due_ms

    def next_output(self) -> str | None:
        """Return the next text to send, or None."""
        return self._outputs.popleft() if self._outputs else None

    # -- what the client says ----------------------------------------------------------------------

    def _carry_out(self, event: _ClientEvent, now_ms: float) -> None:
        match event.type:
            case "session.update":
                self._update(event.session or {})
            case "response.create":
                self._respond(now_ms)
            case "response.cancel":
                self._cancel("client_cancelled", now_ms)
            case "conversation.item.truncate":
                self._note(now_ms, "truncated", event.audio_end_ms)
                self._send(
                    build.item_truncated(event.item_id, event.content_index, event.audio_end_ms)
                )
            case "conversation.item.create":
                item = {"id": self._next_id("item"), **(event.item or {})}
                self._send(build.item_added(item, None), build.item_done(item, None))
            case "input_audio_buffer.commit":
                self._send(build.input_audio_committed(self._next_id("item"), None))
            case "input_audio_buffer.clear":
                self._note(now_ms, "cleared")
                self._send(build.input_audio_cleared())
            case "conversation.item.delete":
                self._send(build.item_deleted(event.item_id))
            case _:
                self._refuse("invalid_value")

    def _update(self, session: dict[str, Any]) -> None:
        self._session = {**self._session, **session}
        audio = _object(session, "audio")
        received, sent = _object(audio, "input"), _object(audio, "output")
        self._input = _object(received, "format").get("type", self._input)
        self._output = _object(sent, "format").get("type", self._output)
        if "turn_detection" in received:
            self._detection = received["turn_detection"]
        if self._detection:
            self._silence_ms = float(self._detection.get("silence_duration_ms") or _SILENCE_MS)
        self._send(build.session_updated(self._session_object()))

    def _append(self, audio: bytes, now_ms: float) -> None:
        if self._input == "audio/pcmu":
            for at in range(0, len(audio), _FRAME_BYTES):
                frame = audio[at : at + _FRAME_BYTES]
                self._received.add(now_ms, self._number, frame_digest(frame))
                loud = sum(frame[::4].translate(_MAGNITUDES)) if frame != _SILENCE else 0
                self._follow(len(frame) / 8, is_loud=loud > _LOUD_SUM, now_ms=now_ms)
            n_samples = len(audio)
        else:
            audio_format = _FORMATS.get(self._input, _PCM24)
            samples = decode(audio[: len(audio) // 2 * 2], audio_format)
            duration_ms = len(samples) * 1000 / audio_format.rate_hz
            n_samples = round(duration_ms * 8)
            loud = int(np.abs(samples.astype(np.int32)).mean()) if len(samples) else 0
            self._follow(duration_ms, is_loud=loud > _LOUD_MAGNITUDE, now_ms=now_ms)
        self._lengths.add(now_ms, self._number, n_samples)

    # -- turns -------------------------------------------------------------------------------------

    def _follow(self, duration_ms: float, *, is_loud: bool, now_ms: float) -> None:
        """Let the caller's audio go on."""
        self._position_ms += duration_ms
        turn = self._turn
        if is_loud:
            turn.voiced_ms += duration_ms
            turn.silent_ms = 0.0
            if not turn.is_speaking and turn.voiced_ms >= _ONSET_MS:
                self._begin_turn(turn, now_ms)
            return
        turn.voiced_ms = max(0.0, turn.voiced_ms - duration_ms)
        turn.silent_ms += duration_ms
        if turn.is_speaking and turn.silent_ms >= self._silence_ms:
            self._end_turn(turn, now_ms)

    def _begin_turn(self, turn: _Turn, now_ms: float) -> None:
        if self._detection is None:
            return
        turn.is_speaking = True
        turn.item_id = self._next_id("item")
        self._note(now_ms, "speech_started")
        start_ms = max(0.0, self._position_ms - turn.voiced_ms - 300.0)
        self._send(build.speech_started(turn.item_id, start_ms))
        if self._detection.get("interrupt_response", True):
            self._cancel("turn_detected", now_ms)

    def _end_turn(self, turn: _Turn, now_ms: float) -> None:
        self._note(now_ms, "speech_stopped")
        item = {"id": turn.item_id, "object": "realtime.item", "type": "message"}
        item |= {"status": "completed", "role": "user"}
        body = {**item, "content": [{"type": "input_audio", "transcript": None}]}
        self._send(
            build.speech_stopped(turn.item_id, self._position_ms),
            build.input_audio_committed(turn.item_id, None),
            build.item_added(body, None),
            build.item_done(body, None),
        )
        self._turn = _Turn()
        if self._detection is not None and self._detection.get("create_response", True):
            self._respond(now_ms)

    # -- answers -----------------------------------------------------------------------------------

    def _respond(self, now_ms: float) -> None:
        if self._response is not None:
            self._refuse("conversation_already_has_active_response")
            return
        answer = self._answers[self._n_answers % len(self._answers)]
        self._n_answers += 1
        at = PartAddress(response_id=self._next_id("resp"), item_id=self._next_id("item"))
        deltas = deque(answer.deltas(self._output))
        due_ms = now_ms + self._pace.first_delta_ms
        self._response = _Response(at, answer, deltas, due_ms)
        self._send(build.response_created(self._resource(self._response, "in_progress")))

    def _send_next(self, response: _Response, now_ms: float) -> None:
        if not response.deltas:
            self._finish(response, "completed", None)
            return
        if not response.is_open:
            self._open(response, now_ms)
        at = response.at
        self._outputs.append(
            f'{{"type":"response.output_audio.delta","response_id":"{at.response_id}",'
            f'"item_id":"{at.item_id}","output_index":0,"content_index":0,'
            f'"delta":"{response.deltas.popleft()}","event_id":"{self._next_id("event")}"}}'
        )
        response.due_ms += self._pace.delta_ms / self._pace.speed_ratio

    def _open(self, response: _Response, now_ms: float) -> None:
        response.is_open = True
        response.due_ms = now_ms
        self._note(now_ms, "answer", response.answer.duration_ms)
        item = self._item(response, "in_progress", with_text=False)
        self._send(
            build.output_item_added(response.at.response_id, item),
            build.item_added(item, None),
            build.content_part_added(response.at, {"type": "audio", "transcript": ""}),
            build.output_transcript_delta(response.at, response.answer.text),
        )

    def _cancel(self, reason: str, now_ms: float) -> None:
        if self._response is not None:
            self._note(now_ms, "cancelled")
            self._finish(self._response, "cancelled", {"type": "cancelled", "reason": reason})

    def _finish(self, response: _Response, status: str, details: Mapping[str, Any] | None) -> None:
        self._response = None
        at, text = response.at, response.answer.text
        item = self._item(response, "completed" if status == "completed" else "incomplete")
        if response.is_open:
            self._send(
                build.output_audio_done(at),
                build.output_transcript_done(at, text),
                build.content_part_done(at, {"type": "audio", "transcript": text}),
                build.output_item_done(at.response_id, item),
                build.item_done(item, None),
            )
        resource = self._resource(response, status)
        resource |= {"status_details": details, "output": [item] if response.is_open else []}
        self._send(build.response_done(resource))

    def _item(self, response: _Response, status: str, *, with_text: bool = True) -> dict[str, Any]:
        part = {"type": "output_audio", "transcript": response.answer.text}
        return {
            "id": response.at.item_id,
            "object": "realtime.item",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [part] if with_text else [],
        }

    def _resource(self, response: _Response, status: str) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": response.at.response_id,
            "status": status,
            "status_details": None,
            "output": [],
            "conversation_id": f"conv_{self._number}",
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {"output": {"format": {"type": self._output}, "voice": "alloy"}},
            "usage": None,
            "metadata": None,
        }

    def _session_object(self) -> dict[str, Any]:
        return {"object": "realtime.session", "id": f"sess_{self._number}", **self._session}

    def _refuse(self, code: str) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": code}
        self._send({"type": "error", "error": {**error, "param": None, "event_id": None}})

    def _note(self, now_ms: float, kind: str, value: float = 0.0) -> None:
        self._events.append(EventRow(now_ms, self._number, kind, value))

    def _next_id(self, kind: str) -> str:
        self._n_ids += 1
        return f"{kind}_{self._number}x{self._n_ids}"

    def _send(self, *events: Event) -> None:
        for event in events:
            event["event_id"] = self._next_id("event")
            self._outputs.append(_ENCODER.encode(event).decode())


def _object(holder: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}
