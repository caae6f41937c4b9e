"""One session of the Realtime protocol, without I/O: messages in, events and requests out.

Invariant: whatever order the server's events come in, each answer starts and ends at most once, and
no audio of an item that was cut off comes out.
"""

from __future__ import annotations

__all__ = ["CallerHeard", "RealtimeSession", "SessionEvent", "SessionReady", "VoiceReceived"]

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from ...config.provider_models import OpenAIRealtimeConfig
from ...core.audio import AudioFormat
from ..audio_clock import AudioClock
from ..base import (
    AgentAudioDone,
    CallerSpeechStopped,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
)
from ..responses import Reception, ResponseLedger
from .audio_backlog import OutgoingAudio
from .client_events import (
    serialize_append,
    serialize_cancel,
    serialize_greeting,
    serialize_session_update,
    serialize_truncate,
)
from .error_table import Consequence, classify_error, error_for_event, provider_error
from .server_events import (
    ConversationEvent,
    ErrorReported,
    EventIgnored,
    EventMalformed,
    EventUnknown,
    HousekeepingEvent,
    OutputAudioDelta,
    OutputAudioDone,
    ResponseCreated,
    ResponseEnded,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    parse_server_event,
)
from .session_update import session_fields, wire_format_name

_CANCEL_ID = "cancel-"
"""Start of the event ids of our cancels: an error that names one came too late, and is harmless."""


@dataclass(frozen=True, slots=True)
class SessionReady:
    """The session is configured: audio may flow."""


@dataclass(frozen=True, slots=True)
class VoiceReceived:
    """A piece of the agent's voice that is to be played."""

    item_id: str
    wire: bytes
    """In the session's output format."""
    audio_ms: float


@dataclass(frozen=True, slots=True)
class CallerHeard:
    """The turn detector heard the caller."""

    capture_ms: float | None
    """On the call's clock, or None."""


SessionEvent = (
    SessionReady
    | ResponseStarted
    | VoiceReceived
    | AgentAudioDone
    | ResponseDone
    | CallerHeard
    | CallerSpeechStopped
    | ProviderWarning
)


class _Phase(Enum):
    OPENING = auto()
    CONFIGURING = auto()
    READY = auto()


class RealtimeSession:
    """The client's side of one session.

    Args:
        config: What the operator set.
        wire_in: Format of the audio that is sent.
        wire_out: Format of the audio that comes.
        ledger: The call's answers and items; the previous session's are marked as gone in it.
        counts: What happened on the call, by a closed set of names; added to.
        greeting: What the agent is to say first, or None.
    """

    def __init__(
        self,
        config: OpenAIRealtimeConfig,
        *,
        wire_in: AudioFormat,
        wire_out: AudioFormat,
        ledger: ResponseLedger,
        counts: Counter[str],
        greeting: str | None,
    ) -> None:
        self._config = config
        self._wire_in = wire_in
        self._wire_out = wire_out
        self._ledger = ledger
        self._counts = counts
        self._greeting = greeting
        self._clock = AudioClock()
        self._phase = _Phase.OPENING
        self._requests: deque[str] = deque()
        self._n_events_sent = 0

    @property
    def is_ready(self) -> bool:
        """Whether the session is configured."""
        return self._phase is _Phase.READY

    @property
    def clock(self) -> AudioClock:
        """The map between the session's audio time and the call's clock."""
        return self._clock

    def receive_message(self, message: str | bytes) -> tuple[SessionEvent, ...]:
        """Take one message of the server.

        Raises:
            ProviderError: if it ends the session; retryable if another session may do.
        """
        event = parse_server_event(message)
        if isinstance(event, HousekeepingEvent):
            return self._receive_housekeeping(event)
        return self._receive(event)

    def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Ask for the end of the answer, and tell how many ms of each item were heard."""
        cut = self._ledger.cut(heard_ms)
        for response_id in cut.responses:
            self._requests.append(serialize_cancel(response_id, self._next_id(_CANCEL_ID)))
        for item_id, audio_end_ms in cut.truncations:
            self._request_truncation(item_id, audio_end_ms)

    def serialize_audio(self, audio: OutgoingAudio) -> str:
        """Return the message that appends audio, and count it on the audio clock."""
        self._clock.receive_appended(audio.duration_ms, audio.capture_end_ms)
        return serialize_append(audio.wire)

    def next_request(self) -> str | None:
        """Take the next message to send other than audio, or None."""
        return self._requests.popleft() if self._requests else None

    def _receive(self, event: ConversationEvent) -> tuple[SessionEvent, ...]:
        match event:
            case OutputAudioDelta():
                return self._receive_audio(event)
            case OutputAudioDone(item_id):
                return (AgentAudioDone(item_id),) if self._ledger.finish_item(item_id) else ()
            case ResponseCreated(response_id):
                return self._start_response(response_id)
            case ResponseEnded():
                return self._end_response(event)
            case SpeechStarted(audio_ms):
                return (CallerHeard(self._capture_ms(audio_ms)),)
            case SpeechStopped(audio_ms):
                return (CallerSpeechStopped(self._capture_ms(audio_ms)),)
        assert_never(event)

    def _receive_housekeeping(self, event: HousekeepingEvent) -> tuple[SessionEvent, ...]:
        match event:
            case SessionCreated():
                return self._configure()
            case SessionUpdated():
                return self._become_ready(event)
            case ErrorReported():
                return self._receive_error(event)
            case EventUnknown():
                self._counts["events_unknown"] += 1
                return ()
            case EventMalformed():
                self._counts["events_malformed"] += 1
                return ()
            case EventIgnored():
                return ()
        assert_never(event)

    def _configure(self) -> tuple[SessionEvent, ...]:
        if self._phase is not _Phase.OPENING:
            return ()
        self._phase = _Phase.CONFIGURING
        fields = session_fields(self._config, wire_in=self._wire_in, wire_out=self._wire_out)
        self._requests.append(serialize_session_update(fields, self._next_id("session-")))
        return ()

    def _become_ready(self, event: SessionUpdated) -> tuple[SessionEvent, ...]:
        if self._phase is not _Phase.CONFIGURING:
            return ()
        _check_format("input", event.input_format, self._wire_in)
        _check_format("output", event.output_format, self._wire_out)
        self._phase = _Phase.READY
        if self._greeting:
            greeting_id = self._next_id("greeting-")
            self._requests.append(
                serialize_greeting(self._greeting, self._config.instructions, greeting_id)
            )
        return (SessionReady(),)

    def _start_response(self, response_id: str) -> tuple[SessionEvent, ...]:
        return (ResponseStarted(response_id),) if self._ledger.start(response_id) else ()

    def _end_response(self, event: ResponseEnded) -> tuple[SessionEvent, ...]:
        if not self._ledger.end(event.response_id):
            return ()
        # A server that leaves output_audio.done out has no more audio all the same.
        unfinished = map(AgentAudioDone, self._ledger.finish_items(event.response_id))
        done = ResponseDone(event.response_id, event.status)
        if event.error_code is None and event.error_type is None:
            return (*unfinished, done)
        error = ErrorReported(
            code=event.error_code, type=event.error_type, param=None, event_id=None
        )
        return (*unfinished, ProviderWarning(error_for_event(error)), done)

    def _receive_audio(self, delta: OutputAudioDelta) -> tuple[SessionEvent, ...]:
        # A server that leaves response.created out has begun its answer all the same.
        started = self._start_response(delta.response_id)
        audio_ms = self._wire_out.duration_ms(len(delta.audio))
        reception = self._ledger.receive_audio(delta.response_id, delta.item_id, audio_ms)
        if reception is Reception.ACCEPTED or reception is Reception.STRAGGLED:
            is_late = reception is Reception.STRAGGLED
            voice = VoiceReceived(delta.item_id, delta.audio, audio_ms)
            return (*started, voice, *([AgentAudioDone(delta.item_id)] if is_late else []))
        self._counts["audio_after_interruption"] += 1
        if reception is Reception.CUT_UNHEARD:
            self._request_truncation(delta.item_id, 0)
        return started

    def _receive_error(self, event: ErrorReported) -> tuple[SessionEvent, ...]:
        if (event.event_id or "").startswith(_CANCEL_ID):
            consequence = Consequence.IGNORE
        else:
            consequence = classify_error(event)
        if consequence is Consequence.IGNORE:
            self._counts["cancels_too_late"] += 1
            return ()
        error = error_for_event(event)
        if consequence is Consequence.WARN and self.is_ready:
            return (ProviderWarning(error),)
        raise error

    def _request_truncation(self, item_id: str, audio_end_ms: int) -> None:
        truncate_id = self._next_id("truncate-")
        self._requests.append(serialize_truncate(item_id, audio_end_ms, truncate_id))

    def _capture_ms(self, audio_ms: float | None) -> float | None:
        return None if audio_ms is None else self._clock.capture_ms_at(audio_ms)

    def _next_id(self, prefix: str) -> str:
        self._n_events_sent += 1
        return f"{prefix}{self._n_events_sent}"


def _check_format(direction: str, name: str | None, wanted: AudioFormat) -> None:
    """Refuse a session that speaks another format: the caller would hear noise."""
    wanted_name = wire_format_name(wanted)
    if name is not None and name != wanted_name:
        raise provider_error(
            f"the server does not take {wanted_name} for the session's {direction}",
            code="format_refused",
            retryable=False,
        )
