"""One session of the Realtime protocol, without I/O: messages in, events and requests out.

What concerns answers is in :mod:`.answers`. Invariant: nothing but the configuration is sent before
it is in force, and nobody is heard in another format than it says.
"""

from __future__ import annotations

__all__ = ["RealtimeSession"]

from collections.abc import Mapping
from enum import Enum, auto
from typing import assert_never

from ...config.provider_models import OpenAIRealtimeConfig
from ...core.audio import AudioFormat
from ...core.audio_clock import AudioClock
from ..audio_backlog import OutgoingAudio
from ..base import (
    CallerIdle,
    CallerSpeechStopped,
    ProviderWarning,
    RateLimitsUpdated,
    Transcript,
)
from .answers import CANCEL_ID, Answers
from .call_memory import CallMemory
from .client_events import (
    serialize_append,
    serialize_commit,
    serialize_function_output,
    serialize_greeting,
    serialize_response,
    serialize_session_update,
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
from .request_queue import RequestQueue
from .response_requests import RESPONSE_ID
from .server_events import (
    AnswerEvent,
    CallerEvent,
    ErrorReported,
    EventIgnored,
    EventMalformed,
    EventUnknown,
    HousekeepingEvent,
    IdleTriggered,
    RateLimitsReported,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    TranscriptionFailed,
    TranscriptReceived,
    TurnCommitted,
)
from .session_events import CallerHeard, SessionEvent, SessionReady
from .session_update import session_fields, wire_format_name


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
    """

    def __init__(
        self,
        config: OpenAIRealtimeConfig,
        *,
        wire_in: AudioFormat,
        wire_out: AudioFormat,
        memory: CallMemory,
    ) -> None:
        self._config = config
        self._wire_in = wire_in
        self._wire_out = wire_out
        self._memory = memory
        self._counts = memory.counts
        self._clock = AudioClock()
        self._phase = _Phase.OPENING
        self._requests = RequestQueue(memory.counts)
        self._answers = Answers(memory, wire_out=wire_out, requests=self._requests)

    @property
    def is_ready(self) -> bool:
        """Whether the session is configured."""
        return self._phase is _Phase.READY

    @property
    def has_requests(self) -> bool:
        """Whether :meth:`next_request` has something, or will have it in time."""
        return len(self._requests) > 0 or self._memory.responses.is_wanted

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
        if isinstance(event, AnswerEvent):
            return self._answers.receive(event, now_ms)
        if isinstance(event, CallerEvent):
            return self._receive_caller(event)
        return self._receive_housekeeping(event, now_ms)

    def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Ask for the end of the answer, and tell how many ms of each item were heard."""
        self._answers.interrupt(heard_ms)

    def commit(self) -> None:
        """End the caller's turn, where no detector of the server does, and want it answered."""
        self._requests.put(serialize_commit(self._requests.next_id("commit-")))
        if self._config.turn_detection.create_response:
            self._memory.responses.want()

    def return_function(self, function_call_id: str, output: str) -> None:
        """Give the model a function's result."""
        output_id = self._requests.next_id("output-")
        self._requests.put(serialize_function_output(function_call_id, output, output_id))

    def serialize_audio(self, audio: OutgoingAudio) -> str:
        """Return the message that appends audio, and count it on the audio clock."""
        self._clock.receive_appended(audio.duration_ms, audio.capture_end_ms)
        return serialize_append(audio.wire)

    def next_request(self, now_ms: float) -> str | None:
        """Take the next message to send other than audio, or None."""
        request = self._requests.take()
        if request is not None or not self._memory.responses.is_wanted:
            return request
        is_free = self.is_ready and not self._memory.ledger.active
        if self._memory.responses.take(now_ms, is_free=is_free):
            return self._serialize_response(self._requests.next_id(RESPONSE_ID))
        return None

    def _serialize_response(self, event_id: str) -> str:
        """Return the request for an answer, which is the greeting as long as that was not heard."""
        greeting = self._memory.greeting
        if not greeting:
            return serialize_response(event_id)
        return serialize_greeting(greeting, self._config.instructions, event_id)

    def _receive_caller(self, event: CallerEvent) -> tuple[SessionEvent, ...]:
        match event:
            case SpeechStarted(audio_ms):
                if self._config.turn_detection.create_response:
                    self._memory.hear_caller()
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
        self._requests.put(serialize_session_update(fields, self._requests.next_id("session-")))
        return ()

    def _become_ready(self, event: SessionUpdated) -> tuple[SessionEvent, ...]:
        if self._phase is not _Phase.CONFIGURING:
            return ()
        _check_format("input", event.input_format, self._wire_in)
        _check_format("output", event.output_format, self._wire_out)
        self._phase = _Phase.READY
        self._requests.put_all(
            self._memory.history.serialize(self._requests.next_id("history-") + "-")
        )
        if self._memory.greeting:
            self._memory.responses.want()
        return (SessionReady(),)

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

    def _receive_error(self, event: ErrorReported, now_ms: float) -> tuple[SessionEvent, ...]:
        request_id = event.event_id or ""
        consequence = classify_error(event)
        if request_id.startswith(CANCEL_ID):
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
            self._memory.retry_response(now_ms)
        else:
            self._memory.responses.receive_refused()
        return True

    def _capture_ms(self, audio_ms: float | None) -> float | None:
        return None if audio_ms is None else self._clock.capture_ms_at(audio_ms)


def _check_format(direction: str, name: str | None, wanted: AudioFormat) -> None:
    """Refuse a session that speaks another format: the caller would hear noise."""
    wanted_name = wire_format_name(wanted)
    if name is not None and name != wanted_name:
        raise provider_error(
            f"the server does not take {wanted_name} for the session's {direction}",
            code="format_refused",
            retryable=False,
        )
