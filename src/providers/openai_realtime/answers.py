"""The agent's answers in one session: what begins, sounds, is cut off, ends and calls functions.

Invariant: whatever order the server's events come in, each answer starts and ends at most once, and
no audio of an item that was cut off comes out.
"""

from __future__ import annotations

__all__ = ["CANCEL_ID", "Answers"]

from collections.abc import Mapping
from typing import assert_never

from ...core.audio import AudioFormat
from ..base import (
    AgentAudioDone,
    FunctionCalled,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
    UsageReported,
)
from ..responses import Reception
from .call_memory import CallMemory
from .client_events import serialize_cancel, serialize_truncate
from .error_table import RATE_LIMITED, error_for_event
from .request_queue import RequestQueue
from .server_events import (
    AnswerEvent,
    ErrorReported,
    FunctionRequest,
    OutputAudioDelta,
    OutputAudioDone,
    ResponseCreated,
    ResponseEnded,
)
from .session_events import SessionEvent, VoiceReceived

CANCEL_ID = "cancel-"
"""Start of the event ids of our cancels: an error that names one came too late, and is harmless."""


class Answers:
    """Follows the answers of one session.

    Args:
        memory: What the call remembers of its former sessions; added to.
        wire_out: Format of the audio that comes.
        requests: Where cancels and truncations are put.
    """

    def __init__(
        self, memory: CallMemory, *, wire_out: AudioFormat, requests: RequestQueue
    ) -> None:
        self._memory = memory
        self._ledger = memory.ledger
        self._wire_out = wire_out
        self._requests = requests

    def receive(self, event: AnswerEvent, now_ms: float) -> tuple[SessionEvent, ...]:
        """Take what the server tells of an answer."""
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
        assert_never(event)

    def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Ask for the end of the answer, and tell how many ms of each item were heard."""
        cut = self._memory.cut(heard_ms)
        for response_id in cut.responses:
            self._requests.put(serialize_cancel(response_id, self._requests.next_id(CANCEL_ID)))
        for item_id, audio_end_ms in cut.truncations:
            self._request_truncation(item_id, audio_end_ms)

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
                self._memory.greeting = None
            return ()
        error = ErrorReported(
            code=event.error_code, type=event.error_type, param=None, event_id=None
        )
        if RATE_LIMITED & {event.error_code, event.error_type}:
            self._memory.retry_response(now_ms)
        return (ProviderWarning(error_for_event(error)),)

    def _call_functions(
        self, event: ResponseEnded, *, has_spoken: bool
    ) -> tuple[FunctionCalled, ...]:
        called = self._memory.functions.end_response(
            event.response_id, event.status, event.functions, has_spoken=has_spoken
        )
        if self._memory.functions.refused:
            self._memory.counts["functions_refused"] = self._memory.functions.refused
        for request in called:
            self._memory.history.call_function(request)
            self._memory.counts["functions_called"] += 1
        return tuple(
            FunctionCalled(function_call_id=request.function_call_id, name=request.name)
            for request in called
        )

    def _receive_audio(self, delta: OutputAudioDelta) -> tuple[SessionEvent, ...]:
        # A server that leaves response.created out has begun its answer all the same.
        started = self._start_response(delta.response_id)
        audio_ms = self._wire_out.duration_ms(len(delta.audio))
        reception = self._ledger.receive_audio(delta.response_id, delta.item_id, audio_ms)
        self._memory.history.add_voice(delta.item_id, audio_ms)
        if reception is Reception.ACCEPTED or reception is Reception.STRAGGLED:
            self._memory.greeting = None
            is_late = reception is Reception.STRAGGLED
            voice = VoiceReceived(delta.item_id, delta.audio, audio_ms)
            return (*started, voice, *([AgentAudioDone(delta.item_id)] if is_late else []))
        self._memory.counts["audio_after_interruption"] += 1
        if reception is Reception.CUT_UNHEARD:
            self._memory.history.cut(delta.item_id, 0.0)
            self._request_truncation(delta.item_id, 0)
        return started

    def _request_truncation(self, item_id: str, audio_end_ms: int) -> None:
        truncate_id = self._requests.next_id("truncate-")
        self._requests.put(serialize_truncate(item_id, audio_end_ms, truncate_id))
