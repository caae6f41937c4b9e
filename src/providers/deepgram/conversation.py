"""One call's side of the provider, without I/O: frames and messages in, messages and events out.

It outlives the sessions that it is held over: what the caller says while there is none waits, and
the next one is told what was said before. Invariant: a captured frame that needs no other format
is sent as the very object that the line delivered, whole, once and in order.
"""

from __future__ import annotations

__all__ = ["Conversation"]

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import assert_never

from ...config.provider_models import DeepgramConfig
from ...core.stream_converter import StreamConverter
from ...errors import LocalProtocolError
from ..audio_backlog import AudioBacklog, OutgoingAudio
from ..base import (
    AgentAudio,
    AgentAudioDone,
    CallAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ProviderEvent,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
)
from ..gating import GatingManager
from ..socket_conversation import RENEWAL
from ..tools import ToolSpec
from .answers import Answers
from .client_messages import (
    InjectionBehavior,
    serialize_function_result,
    serialize_injection,
    serialize_settings,
    serialize_user_text,
)
from .error_table import provider_error
from .function_calls import FunctionCalls
from .history import ConversationHistory
from .server_messages import (
    AgentAudioFinished,
    AgentSpeechBegun,
    AgentThought,
    FunctionCall,
    FunctionCallsCancelled,
    FunctionCallsRequested,
    SessionMessage,
    TextSpoken,
    TurnMessage,
    UserSpeechBegun,
    VoiceChunk,
    parse_server_message,
)
from .session import AgentSession
from .settings import input_format_for, output_format_for, settings_fields


class Conversation:
    """Everything between the call and the sessions with the provider.

    Args:
        config: What the operator set.
        call_id: The call, as the manager knows it.
        call_audio: Formats of its line.
        manager: The gate; told of every event, asked about nothing.
        hold_ms: Caller's audio that waits for a session, in ms, oldest dropped beyond.
        tools: Functions that the model may call.
    """

    def __init__(
        self,
        config: DeepgramConfig,
        *,
        call_id: str,
        call_audio: CallAudio,
        manager: GatingManager,
        hold_ms: float,
        tools: Sequence[ToolSpec] = (),
    ) -> None:
        self._config = config
        self._call_id = call_id
        self._manager = manager
        capture, playout = call_audio.capture, call_audio.playout
        self._to_provider = StreamConverter(capture, input_format_for(capture))
        self._to_line = StreamConverter(output_format_for(playout), playout)
        self._backlog = AudioBacklog(hold_ms=hold_ms)
        self._answers = Answers()
        self._history = ConversationHistory()
        self._functions = FunctionCalls(tools)
        self._counts: Counter[str] = Counter()
        self._session: AgentSession | None = None
        self._unconfirmed: OutgoingAudio | None = None
        self._horizons: deque[int] = deque()
        self._horizon: int | None = None
        self._asked_again = ""
        self._is_agent_speaking = False
        self._is_caller_speaking = False
        self._is_answer_due = False
        self._dropped_before = 0
        self._n_sessions = 0

    @property
    def is_ready(self) -> bool:
        """Whether there is a session and its settings are in force."""
        return self._session is not None and self._session.is_ready

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far, by a closed set of names."""
        return {**self._counts, "frames_dropped": self._backlog.dropped_frames}

    @property
    def functions(self) -> FunctionCalls:
        """The functions that the model asked for."""
        return self._functions

    # -- from the call -----------------------------------------------------------------------------

    def send_frame(self, frame: bytes, now_ms: float) -> None:
        """Queue one captured frame."""
        wire = self._to_provider.process(frame)
        if wire:
            self._backlog.push(
                OutgoingAudio(
                    wire=wire,
                    duration_ms=self._to_provider.target.duration_ms(len(wire)),
                    capture_end_ms=now_ms - self._to_provider.delay_ms,
                    n_frames=1,
                )
            )

    def interrupt(self, now_ms: float) -> None:
        """Cut off what is under way; an answer to what interrupted it is not.

        The server is told nothing: it stops by itself when it hears the caller, and its protocol
        has no message for the rest.
        """
        self._answers.cut(self._answers.number if self._horizon is None else self._horizon)
        if self._answers.is_newest_cut:
            self._stop_speaking(now_ms)

    def inject(self, text: str, behavior: InjectionBehavior) -> None:
        """Have the agent say something, now or as soon as there is a session.

        Raises:
            LocalProtocolError: if there is no session.
        """
        if self._session is None:
            raise LocalProtocolError("inject: there is no session")
        self._session.request(serialize_injection(text, behavior))

    def receive_function_result(self, call: FunctionCall, content: str) -> None:
        """Take the result of a function; only the session that asked is told."""
        self._history.add_call(
            call_id=call.id, name=call.name, arguments=call.arguments, response=content
        )
        if not self._functions.finish(call):
            self._counts["function_results_too_late"] += 1
        elif self._session is not None:
            self._session.request(serialize_function_result(call.id, call.name, content))

    # -- from and to the server --------------------------------------------------------------------

    def open_session(self) -> None:
        """Begin a session on a new connection; the first one greets the caller."""
        fields = settings_fields(
            self._config,
            wire_in=self._to_provider.target,
            wire_out=self._to_line.source,
            functions=self._functions.declared,
            history=self._history.answered,
            is_greeting=self._n_sessions == 0,
        )
        self._session = AgentSession(
            serialize_settings(fields),
            keep_alive_ms=self._config.keep_alive_ms,
            counts=self._counts,
        )
        self._asked_again = self._history.unanswered
        if self._asked_again:
            self._session.request(serialize_user_text(self._asked_again))

    def receive_message(self, message: str | bytes, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Take one message of the server.

        Raises:
            ProviderError: if it ends the session; retryable if another session may do.
        """
        session = self._session
        if session is None:
            raise LocalProtocolError("receive_message: no session was opened")
        parsed = parse_server_message(message)
        if isinstance(parsed, SessionMessage):
            return self._receive_about_session(session, parsed, now_ms)
        if not session.is_ready:
            self._counts["events_before_ready"] += 1
            return ()
        return self._receive_turn(parsed, now_ms)

    def lose_session(self, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Note that the connection is gone; answers and turns under way are lost with it."""
        self._session = None
        self._dropped_before = self._backlog.dropped_frames
        if self._unconfirmed is not None:
            self._backlog.push_back(self._unconfirmed)
            self._unconfirmed = None
        if self._is_caller_speaking:
            self._end_turn(now_ms)  # the next session knows nothing of this turn
        self._is_answer_due = False
        self._functions.forget()
        return self._end_answer("failed", now_ms) if self._answers.end() else ()

    def next_message(self, now_ms: float) -> str | bytes | None:
        """Take the next message to send, or None; asking again confirms that the last was sent."""
        self._unconfirmed = None
        session = self._session
        if session is None:
            return None
        request = session.next_request()
        if request is not None or not session.is_ready:
            return request
        self._unconfirmed = self._backlog.pop()
        if self._unconfirmed is None:
            return None
        session.note_audio(now_ms)
        return self._unconfirmed.wire

    def confirm_sent(self) -> bool:
        """Confirm that the last message was sent; return whether there may be another one."""
        self._unconfirmed = None
        session = self._session
        return session is not None and (self._backlog.held_frames > 0 or session.has_requests)

    def next_deadline_ms(self) -> float | None:
        """Return when :meth:`handle_deadline` has something to do, or None."""
        session = self._session
        if session is None or session.keep_alive_at_ms is None:
            return None
        if session.renew_by_ms is None:
            return session.keep_alive_at_ms
        return 0.0 if self._is_quiet else min(session.keep_alive_at_ms, session.renew_by_ms)

    def handle_deadline(self, now_ms: float) -> None:
        """Keep the session alive where no audio does.

        Raises:
            ProviderError: if the session expires and is to be replaced now, between two turns
                wherever there is time for that.
        """
        session = self._session
        if session is None or not session.is_ready:
            return
        if session.renew_by_ms is not None and (self._is_quiet or now_ms >= session.renew_by_ms):
            raise provider_error(
                "the session is replaced before it expires", code=RENEWAL, retryable=True
            )
        session.keep_alive(now_ms)

    def deliver(self, event: ProviderEvent) -> bool:
        """Return whether an event that waited is still to be given to the engine; note that it is.

        The agent's voice that was cut off meanwhile is not: playout was flushed already.
        """
        is_speech = isinstance(event, CallerSpeechStarted)
        self._horizon = self._horizons.popleft() if is_speech else None
        match event:
            case AgentAudio(item_id) | AgentAudioDone(item_id):
                return not self._answers.is_cut(item_id)
        return True

    # -- messages ----------------------------------------------------------------------------------

    def _receive_about_session(
        self, session: AgentSession, message: SessionMessage, now_ms: float
    ) -> tuple[ProviderEvent, ...]:
        was_ready = session.is_ready
        warning = session.receive(message, now_ms)
        if warning is not None:
            return (ProviderWarning(warning),)
        return (self._become_ready(),) if session.is_ready and not was_ready else ()

    def _receive_turn(self, message: TurnMessage, now_ms: float) -> tuple[ProviderEvent, ...]:
        match message:
            case UserSpeechBegun():
                return self._receive_speech(now_ms)
            case TextSpoken():
                return self._receive_text(message, now_ms)
            case AgentThought():
                return self._announce_answer(now_ms)
            case AgentSpeechBegun():
                return (*self._announce_answer(now_ms), *self._begin_answer())
            case VoiceChunk(audio):
                return self._receive_voice(audio, now_ms)
            case AgentAudioFinished():
                self._is_answer_due = self._functions.is_any_running
                status = "cancelled" if self._answers.is_newest_cut else "completed"
                return self._end_answer(status, now_ms) if self._answers.end() else ()
            case FunctionCallsRequested(calls):
                return self._request_functions(calls, now_ms)
            case FunctionCallsCancelled(ids):
                self._functions.cancel(ids)
                return ()
        assert_never(message)

    def _become_ready(self) -> ProviderReady:
        self._n_sessions += 1
        self._is_answer_due = bool(self._asked_again)
        return ProviderReady(
            reconnected=self._n_sessions > 1,
            held_frames=self._backlog.held_frames,
            dropped_frames=self._backlog.dropped_frames - self._dropped_before,
        )

    def _receive_speech(self, now_ms: float) -> tuple[ProviderEvent, ...]:
        self._is_caller_speaking = self._is_answer_due = True
        decision = self._manager.receive_provider_speech_started(
            self._call_id, now_ms, capture_ms=None
        )
        self._horizons.append(self._answers.number)
        started = CallerSpeechStarted(decision)
        if not self._answers.break_off():
            return (started,)
        return (started, *self._end_answer("cancelled", now_ms))

    def _receive_text(self, text: TextSpoken, now_ms: float) -> tuple[ProviderEvent, ...]:
        is_echo = text.is_caller and text.content == self._asked_again
        if text.content and not text.is_aside and not is_echo:
            self._history.add_text(text.content, is_caller=text.is_caller)
        if text.is_caller:
            self._asked_again = ""
        return self._announce_answer(now_ms)

    def _announce_answer(self, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Take a sign that the server is past the caller's turn, and at the next answer."""
        self._answers.announce()
        self._is_answer_due = True
        if not self._is_caller_speaking:
            return ()
        self._end_turn(now_ms)
        return (CallerSpeechStopped(),)

    def _request_functions(
        self, calls: Sequence[FunctionCall], now_ms: float
    ) -> tuple[ProviderEvent, ...]:
        n_refused = self._functions.request(calls)
        if n_refused:
            self._counts["functions_refused"] += n_refused
        return self._announce_answer(now_ms)

    def _begin_answer(self) -> tuple[ProviderEvent, ...]:
        if not self._answers.begin():
            return ()
        self._to_line.reset()
        return (ResponseStarted(self._answers.response_id),)

    def _receive_voice(self, chunk: bytes, now_ms: float) -> tuple[ProviderEvent, ...]:
        place = self._answers.place_audio()
        if place is None:
            self._counts["audio_after_interruption"] += 1
            return ()
        started: tuple[ProviderEvent, ...] = ()
        if place.is_first:
            self._to_line.reset()
            started = (ResponseStarted(self._answers.response_id),)
        stopped = self._announce_answer(now_ms)
        self._is_agent_speaking = True
        self._manager.set_agent_speaking(
            self._call_id,
            is_speaking=True,
            now_ms=now_ms,
            audio_ms=self._to_line.source.duration_ms(len(chunk)),
        )
        audio = self._to_line.process(chunk)
        return (*stopped, *started, *((AgentAudio(place.item_id, audio),) if audio else ()))

    # -- private steps -----------------------------------------------------------------------------

    @property
    def _is_quiet(self) -> bool:
        """Whether nobody speaks, and nobody waits for an answer."""
        return not (self._answers.is_open or self._is_answer_due)

    def _end_answer(self, status: str, now_ms: float) -> tuple[ProviderEvent, ...]:
        self._stop_speaking(now_ms)
        answers = self._answers
        return (AgentAudioDone(answers.item_id), ResponseDone(answers.response_id, status))

    def _end_turn(self, now_ms: float) -> None:
        self._is_caller_speaking = False
        self._manager.receive_provider_speech_stopped(self._call_id, now_ms)

    def _stop_speaking(self, now_ms: float) -> None:
        if self._is_agent_speaking:
            self._is_agent_speaking = False
            self._manager.set_agent_speaking(self._call_id, is_speaking=False, now_ms=now_ms)
