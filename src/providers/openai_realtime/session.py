"""One session of the Realtime protocol, without I/O: messages in, events and requests out.

Invariant: whatever order the server's events come in, each answer starts and ends at most once, and
no audio of an item that was cut off comes out.
"""

from __future__ import annotations

__all__ = ["CallerHeard", "RealtimeSession", "SessionEvent", "SessionReady", "VoiceReceived"]

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from ...config.provider_models import OpenAIRealtimeConfig
from ...core.audio import AudioFormat
from ..audio_backlog import OutgoingAudio
from ..audio_clock import AudioClock
from ..base import (
    AgentAudioDone,
    CallerIdle,
    CallerSpeechStopped,
    FunctionCalled,
    ProviderWarning,
    RateLimitsUpdated,
    ResponseDone,
    ResponseStarted,
    Transcript,
    UsageReported,
)
from ..responses import Reception
from .call_memory import CallMemory
from .client_events import (
    serialize_append,
    serialize_cancel,
    serialize_commit,
    serialize_function_output,
    serialize_greeting,
    serialize_response,
    serialize_session_update,
    serialize_truncate,
)
from .error_table import (
    BUSY,
    RATE_LIMITED,
    Consequence,
    classify_error,
    error_for_event,
    provider_error,
)
from .event_parser import parse_server_event
from .response_requests import RESPONSE_ID
from .server_events import (
    ConversationEvent,
    ErrorReported,
    EventIgnored,
    EventMalformed,
    EventUnknown,
    FunctionRequest,
    HousekeepingEvent,
    IdleTriggered,
    OutputAudioDelta,
    OutputAudioDone,
    RateLimitsReported,
    ResponseCreated,
    ResponseEnded,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    TranscriptionFailed,
    TranscriptReceived,
    TurnCommitted,
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
    | CallerIdle
    | Transcript
    | FunctionCalled
    | UsageReported
    | RateLimitsUpdated
    | ProviderWarning
)


CallerEvent = (
    SpeechStarted
    | SpeechStopped
    | TurnCommitted
    | IdleTriggered
    | TranscriptReceived
    | TranscriptionFailed
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
        memory: What the call remembers of its former sessions; added to.
        greeting: What the agent is to say first, or None.
    """

    def __init__(
        self,
        config: OpenAIRealtimeConfig,
        *,
        wire_in: AudioFormat,
        wire_out: AudioFormat,
        memory: CallMemory,
        greeting: str | None,
    ) -> None:
        self._config = config
        self._wire_in = wire_in
        self._wire_out = wire_out
        self._memory = memory
        self._ledger = memory.ledger
        self._counts = memory.counts
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

    def receive_message(self, message: str | bytes, now_ms: float) -> tuple[SessionEvent, ...]:
        """Take one message of the server.

        Raises:
            ProviderError: if it ends the session; retryable if another session may do.
        """
        event = parse_server_event(message)
        if isinstance(event, HousekeepingEvent):
            return self._receive_housekeeping(event, now_ms)
        return self._receive(event, now_ms)

    def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Ask for the end of the answer, and tell how many ms of each item were heard."""
        cut = self._memory.cut(heard_ms)
        for response_id in cut.responses:
            self._requests.append(serialize_cancel(response_id, self._next_id(_CANCEL_ID)))
        for item_id, audio_end_ms in cut.truncations:
            self._request_truncation(item_id, audio_end_ms)

    def commit(self) -> None:
        """End the caller's turn, where no detector of the server does, and want it answered."""
        self._requests.append(serialize_commit(self._next_id("commit-")))
        if self._config.turn_detection.create_response:
            self._memory.responses.want()

    def return_function(self, function_call_id: str, output: str) -> None:
        """Give the model a function's result."""
        output_id = self._next_id("output-")
        self._requests.append(serialize_function_output(function_call_id, output, output_id))

    def serialize_audio(self, audio: OutgoingAudio) -> str:
        """Return the message that appends audio, and count it on the audio clock."""
        self._clock.receive_appended(audio.duration_ms, audio.capture_end_ms)
        return serialize_append(audio.wire)

    def next_request(self, now_ms: float) -> str | None:
        """Take the next message to send other than audio, or None."""
        if self._requests:
            return self._requests.popleft()
        is_free = self.is_ready and not self._ledger.active
        if self._memory.responses.take(now_ms, is_free=is_free):
            return serialize_response(self._next_id(RESPONSE_ID))
        return None

    def _receive(self, event: ConversationEvent, now_ms: float) -> tuple[SessionEvent, ...]:
        match event:
            case OutputAudioDelta():
                return self._receive_audio(event)
            case OutputAudioDone(item_id):
                return (AgentAudioDone(item_id),) if self._ledger.finish_item(item_id) else ()
            case ResponseCreated(response_id):
                return self._start_response(response_id)
            case ResponseEnded():
                return self._end_response(event, now_ms)
            case FunctionRequest():
                self._memory.functions.gather(event)
                return ()
            case _:
                return self._receive_caller(event)

    def _receive_caller(self, event: CallerEvent) -> tuple[SessionEvent, ...]:
        match event:
            case SpeechStarted(audio_ms):
                if self._config.turn_detection.create_response:
                    self._memory.responses.forget()
                return (CallerHeard(self._capture_ms(audio_ms)),)
            case SpeechStopped(audio_ms):
                return (CallerSpeechStopped(self._capture_ms(audio_ms)),)
            case TurnCommitted(item_id):
                self._memory.history.begin_turn(item_id)
                return ()
            case IdleTriggered():
                return (CallerIdle(),)
            case TranscriptReceived():
                return self._receive_transcript(event)
            case TranscriptionFailed(code=code, type=kind):
                reported = ErrorReported(code=code, type=kind, param=None, event_id=None)
                return (ProviderWarning(error_for_event(reported)),)
        assert_never(event)

    def _receive_housekeeping(
        self, event: HousekeepingEvent, now_ms: float
    ) -> tuple[SessionEvent, ...]:
        match event:
            case SessionCreated():
                return self._configure()
            case SessionUpdated():
                return self._become_ready(event)
            case RateLimitsReported(limits):
                self._memory.responses.receive_limits(limits)
                return (RateLimitsUpdated(limits),)
            case ErrorReported():
                return self._receive_error(event, now_ms)
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
        fields = session_fields(
            self._config,
            wire_in=self._wire_in,
            wire_out=self._wire_out,
            tools=self._memory.tools.specs,
        )
        self._requests.append(serialize_session_update(fields, self._next_id("session-")))
        return ()

    def _become_ready(self, event: SessionUpdated) -> tuple[SessionEvent, ...]:
        if self._phase is not _Phase.CONFIGURING:
            return ()
        _check_format("input", event.input_format, self._wire_in)
        _check_format("output", event.output_format, self._wire_out)
        self._phase = _Phase.READY
        self._requests.extend(self._memory.history.serialize(self._next_id("history-") + "-"))
        if self._greeting:
            greeting_id = self._next_id("greeting-")
            self._requests.append(
                serialize_greeting(self._greeting, self._config.instructions, greeting_id)
            )
        return (SessionReady(),)

    def _start_response(self, response_id: str) -> tuple[SessionEvent, ...]:
        if not self._ledger.start(response_id):
            return ()
        self._memory.responses.receive_started()
        return (ResponseStarted(response_id),)

    def _end_response(self, event: ResponseEnded, now_ms: float) -> tuple[SessionEvent, ...]:
        has_spoken = self._ledger.has_items(event.response_id)
        if not self._ledger.end(event.response_id):
            return ()
        # A server that leaves output_audio.done out has no more audio all the same.
        unfinished = map(AgentAudioDone, self._ledger.finish_items(event.response_id))
        return (
            *unfinished,
            *self._explain_end(event, now_ms),
            ResponseDone(event.response_id, event.status),
            *([] if event.usage is None else [UsageReported(event.usage)]),
            *self._call_functions(event, has_spoken=has_spoken),
        )

    def _explain_end(self, event: ResponseEnded, now_ms: float) -> tuple[SessionEvent, ...]:
        """Return the warning for an answer that failed, and ask again after a rate limit."""
        if event.error_code is None and event.error_type is None:
            if event.status == "completed":
                self._memory.responses.receive_completed()
            return ()
        error = ErrorReported(
            code=event.error_code, type=event.error_type, param=None, event_id=None
        )
        if RATE_LIMITED & {event.error_code, event.error_type}:
            self._retry_response(now_ms)
        return (ProviderWarning(error_for_event(error)),)

    def _call_functions(
        self, event: ResponseEnded, *, has_spoken: bool
    ) -> tuple[FunctionCalled, ...]:
        called = self._memory.functions.end_response(
            event.response_id, event.status, event.functions, has_spoken=has_spoken
        )
        for request in called:
            self._memory.history.call_function(request)
            self._counts["functions_called"] += 1
        return tuple(
            FunctionCalled(function_call_id=request.function_call_id, name=request.name)
            for request in called
        )

    def _receive_transcript(self, event: TranscriptReceived) -> tuple[SessionEvent, ...]:
        self._memory.history.add_text(
            event.speaker, event.item_id, event.text, is_final=event.is_final
        )
        return (
            Transcript(
                speaker=event.speaker,
                item_id=event.item_id,
                text=event.text,
                is_final=event.is_final,
            ),
        )

    def _receive_audio(self, delta: OutputAudioDelta) -> tuple[SessionEvent, ...]:
        # A server that leaves response.created out has begun its answer all the same.
        started = self._start_response(delta.response_id)
        audio_ms = self._wire_out.duration_ms(len(delta.audio))
        reception = self._ledger.receive_audio(delta.response_id, delta.item_id, audio_ms)
        self._memory.history.add_voice(delta.item_id, audio_ms)
        if reception is Reception.ACCEPTED or reception is Reception.STRAGGLED:
            is_late = reception is Reception.STRAGGLED
            voice = VoiceReceived(delta.item_id, delta.audio, audio_ms)
            return (*started, voice, *([AgentAudioDone(delta.item_id)] if is_late else []))
        self._counts["audio_after_interruption"] += 1
        if reception is Reception.CUT_UNHEARD:
            self._memory.history.cut(delta.item_id, 0.0)
            self._request_truncation(delta.item_id, 0)
        return started

    def _receive_error(self, event: ErrorReported, now_ms: float) -> tuple[SessionEvent, ...]:
        request_id = event.event_id or ""
        consequence = classify_error(event)
        if request_id.startswith(_CANCEL_ID):
            consequence = Consequence.IGNORE
        if consequence is Consequence.IGNORE:
            self._counts["cancels_too_late"] += 1
            return ()
        error = error_for_event(event)
        if consequence is not Consequence.WARN or not self.is_ready:
            raise error
        if request_id.startswith(RESPONSE_ID) and not self._follow_refusal(event, now_ms):
            return ()
        return (ProviderWarning(error),)

    def _follow_refusal(self, event: ErrorReported, now_ms: float) -> bool:
        """Take that an answer was refused; False if that is nothing to warn of."""
        if event.code == BUSY:
            self._memory.responses.receive_busy(now_ms)
            return False
        if RATE_LIMITED & {event.code, event.type}:
            self._retry_response(now_ms)
        else:
            self._memory.responses.receive_refused()
        return True

    def _retry_response(self, now_ms: float) -> None:
        if self._memory.responses.receive_rate_limited(now_ms):
            self._counts["rate_limit_retries"] += 1

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
