"""What a session wants done: its queue of outputs, the ids that it gives out, and its log.

Invariant: outputs leave in the order in which they came, and every event has an id of its own.
"""

from __future__ import annotations

__all__ = [
    "AskAnswer",
    "CloseSession",
    "DropAnswer",
    "DropTurn",
    "EndTurn",
    "HearTurn",
    "Outbox",
    "SendEvent",
    "SessionOutput",
]

from collections import deque
from dataclasses import dataclass, field

from ..core.audio import AudioFormat
from .answerer import AnswerRequest
from .server_events import Event
from .session_log import LogEntry, SessionLog


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Send this event to the client."""

    event: Event


@dataclass(frozen=True, slots=True)
class AskAnswer:
    """Ask the answerer; what it says goes to ``RealtimeSession.receive_speech``."""

    response_id: str
    request: AnswerRequest


@dataclass(frozen=True, slots=True)
class DropAnswer:
    """Nobody waits for this answer any more."""

    response_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HearTurn:
    """Let the recogniser hear the next audio of a turn; the first begins it."""

    item_id: str
    audio: bytes = field(repr=False)
    audio_format: AudioFormat


@dataclass(frozen=True, slots=True)
class EndTurn:
    """The turn is over; its words go to ``RealtimeSession.receive_transcript``."""

    item_id: str


@dataclass(frozen=True, slots=True)
class DropTurn:
    """Nobody wants the words of this turn."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Close the connection, once what came before is sent."""

    code: int
    reason: str


SessionOutput = SendEvent | AskAnswer | DropAnswer | HearTurn | EndTurn | DropTurn | CloseSession
"""Whatever a session wants done."""


class Outbox:
    """Outputs of one session, oldest first.

    Args:
        record: The session's log; its id is part of every id given out.
    """

    def __init__(self, record: SessionLog) -> None:
        self.record = record
        self.now_ms = 0.0
        """Time of the input that is being worked on; the log's entries bear it."""
        self._n_ids = 0
        self._outputs: deque[SessionOutput] = deque()

    def next_id(self, kind: str) -> str:
        """Return an id that no other has, such as ``item_a1b200007``."""
        self._n_ids += 1
        return f"{kind}_{self.record.session_id}{self._n_ids:05d}"

    def send(self, *events: Event) -> None:
        """Send events, each with an id."""
        for event in events:
            self._outputs.append(SendEvent({**event, "event_id": self.next_id("event")}))

    def put(self, output: SessionOutput) -> None:
        """Have something else done."""
        self._outputs.append(output)

    def log(
        self, audio_ms: float, event: str, at_ms: float | None = None, detail: str = ""
    ) -> None:
        """Take note of something; see :class:`LogEntry`."""
        self.record.add(LogEntry(audio_ms, event, at_ms, detail, self.now_ms))

    def pop(self) -> SessionOutput | None:
        """Return what is to be done next, or None."""
        return self._outputs.popleft() if self._outputs else None
