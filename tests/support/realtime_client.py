"""Drives a sans-IO Realtime session as a client would, without a socket and without a clock.

Every event that comes out is judged by the SDK's types, so that each test also tests that.
"""

from __future__ import annotations

__all__ = [
    "MULAW",
    "SessionDriver",
    "audio_of",
    "error_of",
    "mulaw_driver",
    "types",
    "without_repeats",
]

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from support.openai_events import validated
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.realtime_server.answerer import AnswerRequest, ScriptedAnswerer, Speech
from voxgate.realtime_server.outbox import (
    AskAnswer,
    CloseSession,
    DropAnswer,
    DropTurn,
    EndTurn,
    HearTurn,
    SendEvent,
)
from voxgate.realtime_server.session import RealtimeSession, SessionOptions

MULAW = AudioFormat(Encoding.MULAW)
Event = dict[str, Any]


class SessionDriver:
    """A client and a scripted answerer around one session; time passes when it is told to."""

    def __init__(self, replies: Sequence[str] | None = ("card_payment",), **options: Any) -> None:
        self.now_ms = 1000.0
        self.session = RealtimeSession(
            session_id="test",
            model="gpt-realtime",
            expires_at_s=2_000_000_000,
            now_ms=self.now_ms,
            options=SessionOptions(**options),
        )
        self.answerer: ScriptedAnswerer | None = ScriptedAnswerer(replies)
        self.events: list[Event] = []
        self.requests: list[AnswerRequest] = []
        self.asked: list[str] = []
        self.dropped: list[str] = []
        self.closed: CloseSession | None = None
        self.hearing: list[HearTurn | EndTurn | DropTurn] = []
        """What the recogniser was told, with ``has_recogniser``."""
        self._drain()

    def send(self, event_type: str, **fields: Any) -> list[Event]:
        """Send a client event and return what comes of it at once."""
        return self.send_raw(json.dumps({"type": event_type, **fields}))

    def send_raw(self, message: str | bytes) -> list[Event]:
        """Send any message and return what comes of it at once."""
        before = len(self.events)
        self.session.receive_message(message, self.now_ms)
        self._drain()
        return self.events[before:]

    def update(self, **session: Any) -> list[Event]:
        """Send ``session.update`` for a realtime session."""
        return self.send("session.update", session={"type": "realtime", **session})

    def use_mulaw(self, **turn_detection: Any) -> None:
        """Speak mu-law both ways, with these fields of ``server_vad``."""
        mulaw = {"type": "audio/pcmu"}
        detection = {"type": "server_vad", **turn_detection}
        self.update(
            audio={
                "input": {"format": mulaw, "turn_detection": detection},
                "output": {"format": mulaw},
            }
        )

    def append(self, audio: bytes, *, chunk_bytes: int = 160) -> list[Event]:
        """Send audio in chunks and return what comes of all of them."""
        before = len(self.events)
        for at in range(0, len(audio), chunk_bytes):
            chunk = b64encode(audio[at : at + chunk_bytes]).decode()
            self.send("input_audio_buffer.append", audio=chunk)
        return self.events[before:]

    def wait(self, duration_ms: float, *, step_ms: float = 10.0) -> list[Event]:
        """Let wall time pass in small steps and return what comes of it."""
        before = len(self.events)
        end_ms = self.now_ms + duration_ms
        while self.now_ms < end_ms:
            self.now_ms = min(end_ms, self.now_ms + step_ms)
            self.session.handle_deadline(self.now_ms)
            self._drain()
        return self.events[before:]

    def finish_response(self) -> list[Event]:
        """Let time pass from deadline to deadline until no response runs."""
        before = len(self.events)
        for _ in range(2000):
            deadline_ms = self.session.next_deadline_ms()
            if "response.done" in types(self.events[before:]) or deadline_ms is None:
                break
            self.now_ms = max(self.now_ms, deadline_ms)
            self.session.handle_deadline(self.now_ms)
            self._drain()
        return self.events[before:]

    def say(self, response_id: str, *speeches: Speech, is_complete: bool = True) -> list[Event]:
        """Give an answer by hand (with ``answerer`` set to None) and return what comes of it."""
        before = len(self.events)
        for speech in speeches:
            self.session.receive_speech(response_id, speech, self.now_ms)
        if is_complete:
            self.session.receive_answer_end(response_id, self.now_ms)
        self.session.handle_deadline(self.now_ms)
        self._drain()
        return self.events[before:]

    def transcribe(self, item_id: str, text: str | None) -> list[Event]:
        """Give the words of a turn as a recogniser would, and return what comes of it."""
        before = len(self.events)
        self.session.receive_transcript(item_id, text, self.now_ms)
        self._drain()
        return self.events[before:]

    def of_type(self, event_type: str) -> list[Event]:
        """Return the events of one type so far."""
        return [event for event in self.events if event["type"] == event_type]

    def _drain(self) -> None:
        while (output := self.session.next_output()) is not None:
            match output:
                case SendEvent(event):
                    validated(event)
                    self.events.append(json.loads(json.dumps(event)))
                case AskAnswer(response_id, request):
                    self.asked.append(response_id)
                    self.requests.append(request)
                    self._answer(response_id, request)
                case DropAnswer(response_id):
                    self.dropped.append(response_id)
                case HearTurn() | EndTurn() | DropTurn():
                    self.hearing.append(output)
                case CloseSession():
                    self.closed = output

    def _answer(self, response_id: str, request: AnswerRequest) -> None:
        if self.answerer is None:
            return
        line = self.answerer.choose(request)
        speech = Speech(text=line.text, audio=line.audio, audio_format=line.audio_format)
        self.session.receive_speech(response_id, speech, self.now_ms)
        self.session.receive_answer_end(response_id, self.now_ms)


def mulaw_driver(*replies: str, **turn_detection: Any) -> SessionDriver:
    """Return a driver that speaks mu-law and gets these replies, with its events forgotten."""
    driver = SessionDriver(replies or ("card_payment",))
    driver.use_mulaw(**turn_detection)
    driver.events.clear()
    return driver


def error_of(events: Sequence[Event]) -> Event:
    """Return the error of the one event among events, which must be an error."""
    (event,) = events
    assert event["type"] == "error"
    error: Event = event["error"]
    return error


def types(events: Iterable[Event]) -> list[str]:
    """Return the types of events, in order."""
    return [event["type"] for event in events]


def audio_of(events: Iterable[Event]) -> bytes:
    """Return the audio in the deltas among events."""
    deltas = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    return b"".join(b64decode(delta) for delta in deltas)


def without_repeats(names: Iterable[str]) -> list[str]:
    """Return names with each run of delta events as one of each kind."""
    result: list[str] = []
    for name in names:
        if not (name.endswith(".delta") and name in result[-2:]):
            result.append(name)
    return result
