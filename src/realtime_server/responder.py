"""The agent's side of a session: at most one response at a time, and what interrupts it.

Invariant: while a response is active, no other starts; when it ends, its log entry says how.
"""

from __future__ import annotations

__all__ = ["Responder"]

from . import server_events as build
from .answerer import AnswerRequest, FunctionCall, Speech
from .caller_audio import CallerAudio
from .client_events import ResponseOptions
from .conversation import Conversation
from .outbox import AskAnswer, DropAnswer, Outbox
from .request_error import RequestError
from .response import CancelReason, Pace, ResponseRun, ResponseSettings
from .session_config import SessionConfig, Voice
from .wire_audio import audio_format_of

_INPUT_AUDIO_TOKEN_MS = 100
"""Input audio that one token stands for."""
_TEXT_TOKEN_CHARACTERS = 4


class Responder:
    """Runs the responses of one session."""

    def __init__(
        self, outbox: Outbox, conversation: Conversation, caller: CallerAudio, pace: Pace
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._caller = caller
        self._pace = pace
        self._response: ResponseRun | None = None
        self._playback_start_ms: float | None = None
        self._has_spoken = False
        self.was_interrupted = False
        """Whether the caller did not let the last answer finish."""

    @property
    def waiting_ms(self) -> float:
        """Audio of the answer that came and was not sent yet, in ms."""
        return 0.0 if self._response is None else self._response.waiting_ms

    def check_voice(self, voice: Voice, config: SessionConfig) -> None:
        """Make sure that the voice may be used.

        Raises:
            RequestError: if it is another one than the agent has spoken with.
        """
        if self._has_spoken and voice != config.audio.output.voice:
            raise RequestError(
                "Cannot update a conversation's voice if assistant audio is present.",
                code="cannot_update_voice",
            )

    def start(
        self,
        options: ResponseOptions,
        config: SessionConfig,
        request: AnswerRequest,
        now_ms: float,
    ) -> str:
        """Begin a response and return its id; :meth:`ask` is what it waits for.

        Raises:
            RequestError: if one is active, or its voice is not the one spoken with.
        """
        if self._response is not None:
            raise RequestError(
                "Conversation already has an active response in progress: "
                f"{self._response.settings.response_id}. Wait until the response is finished "
                "before creating a new one.",
                code="conversation_already_has_active_response",
            )
        self.check_voice(options.audio.output.voice or config.audio.output.voice, config)
        settings = self._settings(options, config, request)
        conversation = self._conversation if options.conversation == "auto" else None
        self._response = ResponseRun(settings, self._pace, conversation, now_ms)
        self._playback_start_ms = None
        self.was_interrupted = False
        self._outbox.log(self._caller.position_ms, "response_created")
        self._outbox.send(*self._response.created())
        return settings.response_id

    def ask(self, response_id: str, request: AnswerRequest) -> None:
        """Ask for the answer of a response; not if nobody wants it any more."""
        if self._active(response_id) is not None:
            self._outbox.put(AskAnswer(response_id, request))

    def interrupt(self) -> None:
        """Cancel the response because the caller speaks; one outside the conversation goes on."""
        if self._response is not None and self._response.is_in_conversation:
            self._cancel(self._response, "turn_detected")

    def cancel_by_client(self, response_id: str | None) -> None:
        """Cancel the response of that id, or any for None.

        Raises:
            RequestError: if there is none.
        """
        response = self._response
        if response is None or response_id not in (None, response.settings.response_id):
            raise RequestError(
                "Cancellation failed: no active response found", code="response_cancel_not_active"
            )
        self._cancel(response, "client_cancelled")

    def receive_speech(self, response_id: str, speech: Speech, now_ms: float) -> None:
        """Take a piece of an answer; ignored when it is not wanted any more."""
        if (response := self._active(response_id)) is not None:
            response.receive_speech(speech, now_ms)

    def receive_function_call(self, response_id: str, call: FunctionCall) -> None:
        """Take a function call of an answer; ignored when the answer is not wanted any more."""
        if (response := self._active(response_id)) is not None:
            response.receive_function_call(call)

    def receive_end(self, response_id: str) -> None:
        """Take note that an answer is complete."""
        if (response := self._active(response_id)) is not None:
            response.receive_end()

    def receive_failure(self, response_id: str) -> None:
        """Take note that there will be no (more) answer."""
        if (response := self._active(response_id)) is not None:
            self._outbox.send(*response.fail("The answerer failed."))
            self._close(response)

    def advance(self, now_ms: float) -> None:
        """Send what is due."""
        response = self._response
        if response is None:
            return
        self._outbox.send(*response.advance(now_ms))
        if response.generated_ms and self._playback_start_ms is None:
            self._playback_start_ms = self._caller.position_ms
            self._has_spoken = True
            self._outbox.log(self._playback_start_ms, "audio_began")
        if response.is_done:
            self._close(response)

    def next_deadline_ms(self) -> float | None:
        """Return when :meth:`advance` has something to send, or None."""
        return None if self._response is None else self._response.next_deadline_ms()

    def _active(self, response_id: str) -> ResponseRun | None:
        response = self._response
        if response is None or response.settings.response_id != response_id:
            return None
        return response

    def _cancel(self, response: ResponseRun, reason: CancelReason) -> None:
        self.was_interrupted = True
        self._outbox.send(*response.cancel(reason))
        self._outbox.put(DropAnswer(response.settings.response_id))
        self._close(response, reason)

    def _close(self, response: ResponseRun, reason: str = "") -> None:
        self._response = None
        position_ms = self._caller.position_ms
        detail = f"{response.status} {reason}".rstrip()
        self._outbox.log(position_ms, "response_done", detail=detail)
        self._outbox.send(build.rate_limits_updated())
        if response.status in ("completed", "incomplete"):
            start_ms = self._playback_start_ms
            played_ms = 0.0 if start_ms is None else start_ms + response.generated_ms
            self._caller.start_idle_timer(max(position_ms, played_ms))

    def _settings(
        self, options: ResponseOptions, config: SessionConfig, request: AnswerRequest
    ) -> ResponseSettings:
        output = config.audio.output
        wire_format = options.audio.output.format or output.format
        voice = options.audio.output.voice or output.voice
        modalities = options.output_modalities or config.output_modalities
        texts = (request.session_instructions, request.instructions or "", request.text or "")
        audio_ms = request.caller_format.duration_ms(len(request.caller_audio))
        return ResponseSettings(
            response_id=self._outbox.next_id("resp"),
            item_id=self._outbox.next_id("item"),
            modality=modalities[0],
            wire_format=wire_format.model_dump(),
            audio_format=audio_format_of(wire_format),
            voice=voice if isinstance(voice, str) else voice.model_dump(),
            max_output_tokens=options.max_output_tokens or config.max_output_tokens,
            metadata=options.metadata,
            input_text_tokens=sum(map(len, texts)) // _TEXT_TOKEN_CHARACTERS,
            input_audio_tokens=round(audio_ms / _INPUT_AUDIO_TOKEN_MS),
        )
