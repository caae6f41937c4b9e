"""One session of the Realtime protocol, without I/O: messages and time in, events out.

Inputs are method calls with ``now_ms``; outputs wait in a queue that the shell drains. Turns are
found on the clock of the audio received; wall time paces answers and ends sessions, nothing else.

Invariant: no message of a client raises; a bad one gives one ``error`` event and changes nothing.
"""

from __future__ import annotations

__all__ = ["RealtimeSession", "SessionOptions"]

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, assert_never

from . import server_events as build
from .answer_requests import AnswerRequests
from .answerer import FunctionCall, Speech
from .caller_audio import CallerAudio
from .caller_turns import CallerTurns
from .client_events import (
    AppendAudio,
    CancelResponse,
    ClearAudio,
    ClearOutput,
    ClientEvent,
    CommitAudio,
    CreateItem,
    CreateResponse,
    DeleteItem,
    ResponseOptions,
    RetrieveItem,
    TruncateItem,
    UpdateSession,
    parse_client_event,
)
from .conversation import Conversation, ConversationItem
from .outbox import CloseSession, Outbox, SessionOutput
from .request_error import RequestError, invalid_value
from .responder import Responder
from .response import Pace
from .session_config import SemanticVad, ServerVad, SessionConfig, merged
from .session_log import SessionLog
from .speech_scorer import FrameScorer, SpeechScorer
from .turn_detector import IdleTimeout, SpeechStarted, SpeechStopped, TurnEvent
from .wire_audio import decoded_audio

_MAX_AHEAD_MS = 10_000.0
"""Audio of an answer that is made before it can be sent: an interruption makes all of it vain."""
_GOING_AWAY = 1001
"""WebSocket close code of a session that is over (RFC 6455 section 7.4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What a session does that the protocol leaves open."""

    pace: Pace = field(default_factory=Pace)
    max_session_ms: float = 60 * 60_000.0
    """Wall time after which the session is ended, in ms."""
    keeps_input_audio: bool = False
    """Whether the session's record keeps the audio received: for tests and the lab."""
    new_scorer: Callable[[], FrameScorer] = SpeechScorer
    """Makes what the turn detector of a session hears with."""
    has_recogniser: bool = False
    """Whether the caller's turns are recognised; answers are then asked for with their words."""

    def __post_init__(self) -> None:
        if self.max_session_ms <= 0:
            raise ValueError(f"max_session_ms: {self.max_session_ms} is not above 0")


class RealtimeSession:
    """The server's side of one session.

    Args:
        session_id: Unique among the sessions of the server; part of every other id.
        model: The model that the client asked for; any name will do.
        expires_at_s: Wall time of the session's end in seconds since 1970, to tell the client.
        now_ms: Monotonic time now.
        options: Pace and limits.
    """

    def __init__(
        self,
        *,
        session_id: str,
        model: str,
        expires_at_s: int,
        now_ms: float,
        options: SessionOptions | None = None,
    ) -> None:
        self._options = options or SessionOptions()
        self._identity = {
            "object": "realtime.session",
            "id": f"sess_{session_id}",
            "expires_at": expires_at_s,
        }
        self._expires_at_ms = now_ms + self._options.max_session_ms
        self._is_closed = False
        self._config = SessionConfig(type="realtime", model=model)
        record = SessionLog(session_id, model, keeps_audio=self._options.keeps_input_audio)
        self._outbox = Outbox(record)
        self._outbox.now_ms = now_ms
        self._caller = CallerAudio(self._config.audio.input, new_scorer=self._options.new_scorer)
        self._conversation = Conversation(self._outbox.next_id("conv"))
        self._responder = Responder(
            self._outbox, self._conversation, self._caller, self._options.pace
        )
        self._turns = CallerTurns(
            self._outbox,
            self._conversation,
            self._caller,
            has_recogniser=self._options.has_recogniser,
        )
        self._requests = AnswerRequests(
            self._outbox, self._conversation, self._turns, self._responder
        )
        self._outbox.send(build.session_created(self._session_object()))

    @property
    def dropped_items(self) -> int:
        """Items of the conversation that went because there were too many, so far."""
        return self._conversation.dropped_items

    @property
    def is_closed(self) -> bool:
        """Whether the session is over; every input is ignored from then on."""
        return self._is_closed

    @property
    def is_answer_ahead(self) -> bool:
        """Whether so much of the answer waits to be sent that the answerer had better wait too."""
        return self._responder.waiting_ms >= _MAX_AHEAD_MS

    @property
    def record(self) -> SessionLog:
        """What happened so far, for tests and the lab."""
        return self._outbox.record

    def receive_message(self, message: str | bytes, now_ms: float) -> None:
        """Take one WebSocket message: ``str`` if it was text, ``bytes`` if it was binary."""
        if self._is_closed:
            return
        self._outbox.now_ms = now_ms
        try:
            self._carry_out(parse_client_event(message))
        except RequestError as problem:
            self._refuse(problem)

    def receive_speech(self, response_id: str, speech: Speech, now_ms: float) -> None:
        """Take a piece of an answer that was asked for; ignored when it is not wanted any more."""
        if not self._is_closed:
            self._outbox.now_ms = now_ms
            self._responder.receive_speech(response_id, speech, now_ms)

    def receive_function_call(self, response_id: str, call: FunctionCall, now_ms: float) -> None:
        """Take a function call of an answer; ignored when the answer is not wanted any more."""
        if not self._is_closed:
            self._outbox.now_ms = now_ms
            self._responder.receive_function_call(response_id, call)

    def receive_answer_end(self, response_id: str, now_ms: float) -> None:
        """Take note that an answer is complete."""
        if not self._is_closed:
            self._outbox.now_ms = now_ms
            self._responder.receive_end(response_id)

    def receive_answer_failure(self, response_id: str, now_ms: float) -> None:
        """Take note that there will be no (more) answer."""
        if not self._is_closed:
            self._outbox.now_ms = now_ms
            self._responder.receive_failure(response_id)

    def receive_transcript(self, item_id: str, text: str | None, now_ms: float) -> None:
        """Take the words of a turn of the caller; None: the recogniser failed."""
        if not self._is_closed:
            self._outbox.now_ms = now_ms
            self._turns.receive_words(item_id, text)
            self._requests.ask_when_heard()

    def handle_deadline(self, now_ms: float) -> None:
        """Let time pass: send audio that is due, end a session that has lasted too long."""
        if self._is_closed:
            return
        self._outbox.now_ms = now_ms
        self._responder.advance(now_ms)
        if now_ms >= self._expires_at_ms:
            self._expire()

    def next_deadline_ms(self) -> float | None:
        """Return when :meth:`handle_deadline` is due; None once the session is closed."""
        if self._is_closed:
            return None
        due_ms = self._responder.next_deadline_ms()
        return self._expires_at_ms if due_ms is None else min(due_ms, self._expires_at_ms)

    def next_output(self) -> SessionOutput | None:
        """Return what is to be done next, oldest first, or None."""
        return self._outbox.pop()

    def _carry_out(self, event: ClientEvent) -> None:
        try:
            self._dispatch(event)
        except RequestError as problem:
            raise problem.with_event_id(event.event_id) from problem

    def _dispatch(self, event: ClientEvent) -> None:
        match event:
            case AppendAudio() | CommitAudio() | ClearAudio():
                self._dispatch_audio(event)
            case CreateItem() | RetrieveItem() | DeleteItem() | TruncateItem():
                self._dispatch_item(event)
            case CreateResponse():
                self._start_response(event.response or ResponseOptions())
            case CancelResponse():
                self._responder.cancel_by_client(event.response_id)
            case UpdateSession():
                self._update_session(event.session)
            case ClearOutput():
                raise invalid_value("type", f"'{event.type}' is not supported over WebSocket.")
            case _:
                assert_never(event)

    def _dispatch_audio(self, event: AppendAudio | CommitAudio | ClearAudio) -> None:
        match event:
            case AppendAudio():
                self._append_audio(event.audio)
            case CommitAudio():
                self._turns.commit()
            case ClearAudio():
                self._turns.clear()
            case _:
                assert_never(event)

    def _dispatch_item(self, event: CreateItem | RetrieveItem | DeleteItem | TruncateItem) -> None:
        match event:
            case CreateItem():
                self._create_item(event)
            case RetrieveItem():
                item = self._conversation.get(event.item_id, verb="retrieve")
                self._outbox.send(build.item_retrieved(item.with_audio()))
            case DeleteItem():
                self._conversation.delete(event.item_id)
                self._outbox.send(build.item_deleted(event.item_id))
            case TruncateItem():
                self._truncate_item(event)
            case _:
                assert_never(event)

    def _update_session(self, update: SessionConfig) -> None:
        if update.model and update.model != self._config.model:
            raise invalid_value("session.model", "The model of a session can't be changed.")
        config = merged(self._config, update)
        self._responder.check_voice(config.audio.output.voice, self._config)
        if config.audio.input.format != self._config.audio.input.format:
            self._turns.forget()
        self._config = config
        self._caller.configure(config.audio.input)
        self._turns.transcription = config.audio.input.transcription
        self._outbox.send(build.session_updated(self._session_object()))

    def _append_audio(self, text: str) -> None:
        audio = decoded_audio(text, self._caller.audio_format)
        self.record.add_audio(audio)
        for event in self._turns.append(audio):
            self._follow_turn(event)

    def _create_item(self, event: CreateItem) -> None:
        body = event.item.model_dump(exclude_none=True)
        body["id"] = event.item.id or self._outbox.next_id("item")
        audio = self._take_spoken_audio(body)
        item = ConversationItem(id=body["id"], body=body, audio_format=self._caller.audio_format)
        item.add_audio(audio)
        previous_id = self._conversation.add(item, after=event.previous_item_id)
        if body.get("role") == "user":
            self._turns.add_written(item, audio)
        self._requests.receive_item(event.item)
        self._outbox.send(build.item_added(body, previous_id), build.item_done(body, previous_id))

    def _take_spoken_audio(self, body: dict[str, Any]) -> bytes:
        """Return the audio in an item's content, taken out of it."""
        audio = b""
        for at, part in enumerate(body.get("content", [])):
            if part["type"] == "input_audio":
                param = f"item.content[{at}].audio"
                text = part.pop("audio")
                audio += decoded_audio(text, self._caller.audio_format, param=param)
        return audio

    def _truncate_item(self, event: TruncateItem) -> None:
        item = self._conversation.get(event.item_id, verb="truncate")
        generated_ms = item.duration_ms
        item.truncate(event.content_index, event.audio_end_ms)
        self._responder.was_interrupted |= event.audio_end_ms < generated_ms
        self._log("truncated", at_ms=event.audio_end_ms)
        self._outbox.send(
            build.item_truncated(event.item_id, event.content_index, event.audio_end_ms)
        )

    def _follow_turn(self, event: TurnEvent) -> None:
        match event:
            case SpeechStarted():
                detection = self._turn_detection()
                if detection is not None and detection.interrupt_response:
                    self._responder.interrupt()
            case SpeechStopped():
                self._answer_turn()
            case IdleTimeout():
                self._answer_turn(was_idle=True)
            case _:
                assert_never(event)

    def _answer_turn(self, *, was_idle: bool = False) -> None:
        detection = self._turn_detection()
        if detection is None or not detection.create_response:
            return
        try:
            self._start_response(ResponseOptions(), was_idle=was_idle)
        except RequestError as problem:
            self._refuse(problem)

    def _turn_detection(self) -> ServerVad | SemanticVad | None:
        return self._config.audio.input.turn_detection

    def _start_response(self, options: ResponseOptions, *, was_idle: bool = False) -> None:
        self._requests.start(options, self._config, was_idle=was_idle)

    def _expire(self) -> None:
        minutes = self._options.max_session_ms / 60_000
        message = f"Your session hit the maximum duration of {minutes:g} minutes."
        self._refuse(RequestError(message, code="session_expired"))
        self._outbox.put(CloseSession(_GOING_AWAY, message))
        self._is_closed = True

    def _refuse(self, problem: RequestError) -> None:
        self._log("error", detail=problem.code or "")
        self._outbox.send(build.error(problem))

    def _log(self, event: str, *, at_ms: float | None = None, detail: str = "") -> None:
        self._outbox.log(self._caller.position_ms, event, at_ms, detail)

    def _session_object(self) -> dict[str, Any]:
        """Return the session as events write it."""
        return {**self._identity, **self._config.model_dump()}
