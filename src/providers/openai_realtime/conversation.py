"""One call's side of the provider, without I/O: frames and messages in, messages and events out.

It outlives the sessions that it is held over: frames go to the gate whether or not there is one,
and what the gate sends waits for the next. Invariant: the gate alone decides what is sent.
"""

from __future__ import annotations

__all__ = ["Conversation"]

from collections import deque
from collections.abc import Mapping

from ...config.provider_models import OpenAIRealtimeConfig, TurnDetectionType
from ...core.gate_decision import GateDecision, GateReason
from ...core.stream_converter import StreamConverter
from ...errors import LocalProtocolError
from ..audio_backlog import AudioBacklog, OutgoingAudio
from ..base import (
    AgentAudio,
    AgentAudioDone,
    CallAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    FunctionReturned,
    ProviderEvent,
    ProviderReady,
    ResponseDone,
)
from ..gating import GatingManager
from ..tools import ToolRegistry
from .call_memory import CallMemory
from .local_turns import LocalTurns, TurnBegan, TurnEnded, TurnEvent
from .server_events import FunctionRequest
from .session import RealtimeSession
from .session_events import CallerHeard, SessionEvent, SessionReady, VoiceReceived
from .session_update import wire_format_for

_BUSY_REASONS = frozenset(
    {
        GateReason.AGENT_AUDIBLE,
        GateReason.CANDIDATE,
        GateReason.BARGE_IN,
        GateReason.CALLER_TURN,
        GateReason.CALLER_SPEECH,
        GateReason.HANGOVER,
    }
)
"""Somebody speaks: no moment to renew the session at."""

_RENEWAL_RETRY_MS = 30_000
"""Pause after a renewal that failed; the session that there is goes on."""


class Conversation:
    """Everything between the call, its gate and the sessions with the provider.

    Args:
        config: What the operator set.
        call_id: The call, as the manager knows it.
        call_audio: Formats of its line.
        manager: The gate.
        hold_ms: Caller's audio that waits for a session, in ms, oldest dropped beyond.
        tools: Functions that the model may call.
    """

    def __init__(
        self,
        config: OpenAIRealtimeConfig,
        *,
        call_id: str,
        call_audio: CallAudio,
        manager: GatingManager,
        hold_ms: float,
        tools: ToolRegistry | None = None,
    ) -> None:
        self._config = config
        self._call_id = call_id
        self._manager = manager
        capture, playout = call_audio.capture, call_audio.playout
        self._to_provider = StreamConverter(capture, wire_format_for(capture))
        self._to_line = StreamConverter(wire_format_for(playout), playout)
        self._backlog = AudioBacklog(hold_ms=hold_ms)
        self._memory = CallMemory(tools, greeting=config.greeting)
        self._turns = _local_turns(config)
        self._padding = AudioBacklog(hold_ms=config.turn_detection.prefix_padding_ms)
        self._is_commit_due = False
        self._own_events: deque[ProviderEvent] = deque()
        self._last_reason = GateReason.PASS_THROUGH
        self._renewal_ms = float("inf")
        self._session: RealtimeSession | None = None
        self._unconfirmed: OutgoingAudio | None = None
        self._speaking_item: str | None = None
        self._is_caller_speaking = False
        self._dropped_before = 0
        self._n_sessions = 0

    @property
    def is_ready(self) -> bool:
        """Whether there is a session and it is configured."""
        return self._session is not None and self._session.is_ready

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far, by a closed set of names."""
        return {**self._memory.counts, "frames_dropped": self._backlog.dropped_frames}

    def process(self, frame: bytes, now_ms: float) -> GateDecision:
        """Ask the gate about one captured frame, and queue what it says."""
        decision = self._manager.process(self._call_id, frame, now_ms)
        self._last_reason = decision.reason
        if self._turns is not None:
            self._follow_turn(self._turns.process(decision, now_ms), now_ms)
        self._queue(decision.audio_for(frame), now_ms)
        return decision

    def advance(self, now_ms: float) -> GateDecision:
        """Let time pass without a frame, and queue what the gate says."""
        decision = self._manager.advance(self._call_id, now_ms)
        if self._turns is not None:
            self._follow_turn(self._turns.advance(now_ms), now_ms)
        self._queue(decision.audio, now_ms)
        return decision

    def next_event(self) -> ProviderEvent | None:
        """Take the next event that no message of the server brought, or None."""
        return self._own_events.popleft() if self._own_events else None

    def next_function(self) -> FunctionRequest | None:
        """Take the next function to run, or None."""
        return self._memory.functions.next_waiting()

    def return_function(self, request: FunctionRequest, output: str) -> None:
        """Give the model a function's result, in this session or in the next."""
        self._memory.history.return_function(request.function_call_id, output)
        if self.is_ready and self._session is not None:
            self._session.return_function(request.function_call_id, output)
        if self._memory.functions.finish(request.function_call_id):
            self._memory.responses.want()
        self._own_events.append(
            FunctionReturned(function_call_id=request.function_call_id, name=request.name)
        )

    def interrupt(self, heard_ms: Mapping[str, float], now_ms: float) -> None:
        """Stop the answer: so many ms of each unfinished item were heard."""
        if self._session is not None:
            self._session.interrupt(heard_ms)
        else:
            self._memory.cut(heard_ms)
            self._memory.hear_caller()
        self._stop_speaking(now_ms)

    def open_session(self) -> None:
        """Begin a session on a new connection; the first one greets the caller."""
        self._session = RealtimeSession(
            self._config,
            wire_in=self._to_provider.target,
            wire_out=self._to_line.source,
            memory=self._memory,
        )

    def receive_message(self, message: str | bytes, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Take one message of the server.

        Raises:
            ProviderError: if it ends the session; retryable if another session may do.
        """
        if self._session is None:
            raise LocalProtocolError("receive_message: no session was opened")
        events = self._session.receive_message(message, now_ms)
        translated = (self._translate(event, now_ms) for event in events)
        return tuple(event for event in translated if event is not None)

    def lose_session(self, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Note that the connection is gone; answers and turns under way are lost with it."""
        self._session = None
        self._dropped_before = self._backlog.dropped_frames
        if self._unconfirmed is not None:
            self._backlog.push_back(self._unconfirmed)
            self._unconfirmed = None
        self._stop_speaking(now_ms)
        if self._is_caller_speaking:
            self._end_turn(now_ms)  # the next session knows nothing of this turn
        lost = self._memory.lose_session()
        return (
            *map(AgentAudioDone, lost.items),
            *(ResponseDone(response_id, "failed") for response_id in lost.responses),
        )

    def is_renewal_due(self, now_ms: float) -> bool:
        """Say whether the session is old, and nobody would notice that another takes its place."""
        return (
            now_ms >= self._renewal_ms  # first, as it is asked with every frame
            and self.is_ready
            and self._last_reason not in _BUSY_REASONS
            and not self._is_caller_speaking
            and not self._is_commit_due
            and not self._memory.ledger.active
            and not self._memory.responses.is_pending
            and not self._memory.functions.is_pending
        )

    def postpone_renewal(self, now_ms: float) -> None:
        """Note that no other session was to be had; ask again later."""
        self._renewal_ms = now_ms + _RENEWAL_RETRY_MS

    def has_work(self, now_ms: float) -> bool:
        """Say whether there is an event, or whoever sends may have something to do.

        Most slots bring nothing: a look at what waits costs less than to ask for it.
        """
        session = self._session
        return bool(self._own_events) or (
            session is not None
            and (
                self._backlog.held_frames > 0
                or self._unconfirmed is not None
                or self._is_commit_due
                or session.has_requests
                or now_ms >= self._renewal_ms
            )
        )

    def next_message(self, now_ms: float) -> str | None:
        """Take the next message to send, or None; asking again confirms that the last was sent."""
        self._unconfirmed = None
        session = self._session
        if session is None:
            return None
        request = session.next_request(now_ms) if session.has_requests else None
        if request is not None or not session.is_ready:
            return request
        audio = self._backlog.pop()
        if audio is not None:
            self._unconfirmed = audio
            return session.serialize_audio(audio)
        if not self._is_commit_due:
            return None
        self._is_commit_due = False
        session.commit()
        return session.next_request(now_ms)

    def confirm_sent(self) -> bool:
        """Confirm that the last message was sent; return whether there may be another one."""
        self._unconfirmed = None
        session = self._session
        return session is not None and (
            self._backlog.held_frames > 0 or self._is_commit_due or session.has_requests
        )

    def deliver(self, event: ProviderEvent) -> bool:
        """Return whether an event that waited is still to be given to the engine; note that it is.

        The agent's voice that was cut off meanwhile is not: playout was flushed already.
        """
        match event:
            case AgentAudio(item_id) | AgentAudioDone(item_id):
                if self._memory.ledger.is_cut(item_id):
                    return False
                self._memory.ledger.deliver(item_id)
        return True

    def _queue(self, chunks: tuple[bytes, ...], now_ms: float) -> None:
        if not chunks:
            return
        if len(chunks) == 1:  # as nearly always
            wire = self._to_provider.process(chunks[0])
        else:
            wire = b"".join(map(self._to_provider.process, chunks))
        if not wire:
            return
        audio = OutgoingAudio(
            wire=wire,
            duration_ms=self._to_provider.target.duration_ms(len(wire)),
            capture_end_ms=now_ms - self._to_provider.delay_ms,
            n_frames=len(chunks),
        )
        is_between_turns = self._turns is not None and not self._turns.is_speaking
        (self._padding if is_between_turns else self._backlog).push(audio)

    def _follow_turn(self, event: TurnEvent | None, now_ms: float) -> None:
        """Do for a turn that we found what a server does for one that it found."""
        match event:
            case TurnBegan(capture_ms):
                while (audio := self._padding.pop()) is not None:
                    self._backlog.push(audio)
                if self._config.turn_detection.create_response:
                    self._memory.hear_caller()
                self._own_events.append(self._receive_speech_started(capture_ms, now_ms))
            case TurnEnded(capture_ms):
                self._is_commit_due = True
                self._end_turn(now_ms)
                self._own_events.append(CallerSpeechStopped(capture_ms))
            case None:
                pass

    def _translate(self, event: SessionEvent, now_ms: float) -> ProviderEvent | None:
        match event:
            case SessionReady():
                return self._become_ready(now_ms)
            case VoiceReceived():
                return self._receive_voice(event, now_ms)
            case CallerHeard(capture_ms):
                return self._receive_speech_started(capture_ms, now_ms)
            case CallerSpeechStopped():
                self._end_turn(now_ms)
                return event
            case AgentAudioDone(item_id):
                if item_id == self._speaking_item:
                    self._stop_speaking(now_ms)
                return event
            case ResponseDone():
                self._stop_speaking(now_ms)
                return event
            case _:
                return event

    def _become_ready(self, now_ms: float) -> ProviderReady:
        self._n_sessions += 1
        self._renewal_ms = now_ms + 1000 * self._config.session_renewal_s
        return ProviderReady(
            reconnected=self._n_sessions > 1,
            held_frames=self._backlog.held_frames,
            dropped_frames=self._backlog.dropped_frames - self._dropped_before,
        )

    def _receive_voice(self, voice: VoiceReceived, now_ms: float) -> AgentAudio | None:
        if voice.item_id != self._speaking_item:
            self._speaking_item = voice.item_id
            self._to_line.reset()
        self._manager.set_agent_speaking(
            self._call_id, is_speaking=True, now_ms=now_ms, audio_ms=voice.audio_ms
        )
        audio = self._to_line.process(voice.wire)
        return AgentAudio(voice.item_id, audio) if audio else None

    def _receive_speech_started(
        self, capture_ms: float | None, now_ms: float
    ) -> CallerSpeechStarted:
        self._is_caller_speaking = True
        decision = self._manager.receive_provider_speech_started(
            self._call_id, now_ms, capture_ms=capture_ms
        )
        self._queue(decision.audio, now_ms)
        return CallerSpeechStarted(decision, capture_ms)

    def _end_turn(self, now_ms: float) -> None:
        self._is_caller_speaking = False
        self._manager.receive_provider_speech_stopped(self._call_id, now_ms)

    def _stop_speaking(self, now_ms: float) -> None:
        if self._speaking_item is not None:
            self._speaking_item = None
            self._manager.set_agent_speaking(self._call_id, is_speaking=False, now_ms=now_ms)


def _local_turns(config: OpenAIRealtimeConfig) -> LocalTurns | None:
    """Return our own turn detector, if the server is not to have one."""
    detection = config.turn_detection
    if detection.type is not TurnDetectionType.NONE:
        return None
    return LocalTurns(silence_duration_ms=detection.silence_duration_ms)
