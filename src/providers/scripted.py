"""A provider that does what a test says, and keeps what it was given.

It is gated or not, as its capabilities say, and otherwise behaves as a real one does: it generates
faster than real time, drops what was cut off, holds audio while it is away.

Invariant: nothing in it is random, timed or connected.
"""

from __future__ import annotations

__all__ = ["GATED", "PASSED_THROUGH", "ScriptedProvider"]

from collections import deque
from collections.abc import AsyncIterator, Mapping
from itertools import count

from ..clock import Clock, monotonic_ms
from ..core.gate_decision import PASS_THROUGH, GateDecision
from ..errors import LocalProtocolError, ProviderError
from .base import (
    AgentAudio,
    AgentAudioDone,
    CallAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    Capabilities,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ResponseDone,
    ResponseStarted,
)
from .event_queue import EventQueue
from .gating import GatingManager
from .responses import Reception, ResponseLedger, Truncation
from .setup import ProviderSetup

GATED = Capabilities(needs_gating=True, detects_turns=True, reports_interruption=True)
"""Like ``openai_realtime``."""

PASSED_THROUGH = Capabilities(needs_gating=False, detects_turns=True, reports_interruption=True)
"""Like ``deepgram`` and ``local``."""

_HOLD_CHUNKS = 500


class ScriptedProvider:
    """A provider without a network; the methods after :meth:`stop` are the script's.

    Args:
        call_id: The call, as the manager knows it.
        call_audio: Formats of its line.
        manager: The gate; told of every event, asked about frames only if the capabilities say so.
        clock: The manager's clock.
        capabilities: What the provider is like.
        start_error: What :meth:`start` raises, or None.
    """

    def __init__(
        self,
        *,
        call_id: str,
        call_audio: CallAudio,
        manager: GatingManager,
        clock: Clock = monotonic_ms,
        capabilities: Capabilities = GATED,
        start_error: ProviderError | None = None,
    ) -> None:
        self._call_id = call_id
        self._call_audio = call_audio
        self._manager = manager
        self._clock = clock
        self._capabilities = capabilities
        self._start_error = start_error
        self._events = EventQueue()
        self._ledger = ResponseLedger()
        self._held: deque[bytes] = deque(maxlen=_HOLD_CHUNKS)
        self._n_dropped = 0
        self._is_connected = False
        self._was_started = False
        self._is_caller_speaking = False
        self._names = count(1)
        self.frames: list[bytes] = []
        """Every frame that :meth:`send_audio` got: the objects themselves."""
        self.sent: list[bytes] = []
        """What reached the other side, in order: for a pass-through, the frames themselves."""
        self.truncations: list[Truncation] = []
        """What the other side was told of items cut off, in order."""
        self.cancelled: list[str] = []
        """Answers that were cancelled while under way."""
        self.n_advances = 0
        """Calls of :meth:`advance`."""

    @classmethod
    def from_setup(cls, setup: ProviderSetup) -> ScriptedProvider:
        """Make one in place of the configured kind, and gated if that kind is."""
        return cls(
            call_id=setup.call_id,
            call_audio=setup.call_audio,
            manager=setup.manager,
            clock=setup.clock,
            capabilities=GATED if setup.config.kind == "openai_realtime" else PASSED_THROUGH,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the test said that it is like."""
        return self._capabilities

    async def start(self) -> None:
        """Be ready at once.

        Raises:
            ProviderError: if the test says so.
            LocalProtocolError: if it was started or stopped before.
        """
        if self._was_started or self._events.is_closed:
            raise LocalProtocolError("start: the provider was started or stopped before")
        self._was_started = True
        if self._start_error is not None:
            self._events.close(ProviderEnded(self._start_error))
            raise self._start_error
        self._become_ready(reconnected=False)

    async def send_audio(self, frame: bytes) -> GateDecision:
        """Keep the frame, ask the gate if gated, and send what it says."""
        self.frames.append(frame)
        decision = PASS_THROUGH
        if self._capabilities.needs_gating:
            decision = self._manager.process(self._call_id, frame, self._clock())
        self._send(decision.audio_for(frame))
        return decision

    async def advance(self) -> GateDecision:
        """Let time pass without a frame."""
        self.n_advances += 1
        if not self._capabilities.needs_gating:
            return PASS_THROUGH
        decision = self._manager.advance(self._call_id, self._clock())
        self._send(decision.audio)
        return decision

    async def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Cut the answer off, and keep what the other side would be told."""
        cut = self._ledger.cut(heard_ms)
        self.cancelled.extend(cut.responses)
        self.truncations.extend(cut.truncations)
        self._set_speaking(is_speaking=False)

    async def events(self) -> AsyncIterator[ProviderEvent]:
        """Yield events, the last one a ``ProviderEnded``; one consumer."""
        while True:
            event = await self._events.get()
            if self._deliver(event):
                yield event
            if isinstance(event, ProviderEnded):
                return

    async def stop(self) -> None:
        """End; idempotent."""
        self.end(None)

    def emit(self, event: ProviderEvent) -> None:
        """Say something to the engine as it is."""
        self._events.put_nowait(event)

    def start_response(self, response_id: str | None = None) -> str:
        """Begin an answer, and return its id."""
        response_id = response_id or f"response-{next(self._names)}"
        if self._ledger.start(response_id):
            self.emit(ResponseStarted(response_id))
        return response_id

    def generate_audio(self, response_id: str, item_id: str, audio: bytes) -> None:
        """Generate a piece of an answer, in the playout format."""
        audio_ms = self._call_audio.playout.duration_ms(len(audio))
        reception = self._ledger.receive_audio(response_id, item_id, audio_ms)
        if reception in {Reception.ACCEPTED, Reception.STRAGGLED}:
            self._set_speaking(is_speaking=True, audio_ms=audio_ms)
            self.emit(AgentAudio(item_id, audio))

    def finish_audio(self, item_id: str) -> None:
        """Say that all audio of an item was generated."""
        if self._ledger.finish_item(item_id):
            self._set_speaking(is_speaking=False)
            self.emit(AgentAudioDone(item_id))

    def end_response(self, response_id: str, status: str = "completed") -> None:
        """Say that an answer is complete, or why not."""
        if self._ledger.end(response_id):
            self._set_speaking(is_speaking=False)
            self.emit(ResponseDone(response_id, status))

    def speak(self, audio: bytes, item_id: str | None = None) -> str:
        """Generate a whole answer at once, and return the id of its item."""
        item_id = item_id or f"item-{next(self._names)}"
        response_id = self.start_response()
        self.generate_audio(response_id, item_id, audio)
        self.finish_audio(item_id)
        self.end_response(response_id)
        return item_id

    def hear_caller(self, capture_ms: float | None = None) -> GateDecision:
        """Report that the turn detector heard the caller, and return what the gate made of it."""
        self._is_caller_speaking = True
        decision = self._manager.receive_provider_speech_started(
            self._call_id, self._clock(), capture_ms=capture_ms
        )
        self._send(decision.audio)
        self.emit(CallerSpeechStarted(decision, capture_ms))
        return decision

    def hear_caller_stop(self, capture_ms: float | None = None) -> None:
        """Report that the turn detector heard the end of the caller's turn."""
        self._end_turn()
        self.emit(CallerSpeechStopped(capture_ms))

    def lose_connection(self, error: ProviderError) -> None:
        """Go away for a while: answers and turns under way are lost, audio is held."""
        self._is_connected = False
        self._set_speaking(is_speaking=False)
        if self._is_caller_speaking:
            self._end_turn()
        lost = self._ledger.end_session()
        for item_id in lost.items:
            self.emit(AgentAudioDone(item_id))
        for response_id in lost.responses:
            self.emit(ResponseDone(response_id, "failed"))
        self.emit(ProviderDisconnected(error))

    def restore_connection(self) -> None:
        """Come back, and send what was held."""
        self._become_ready(reconnected=True)

    def end(self, error: ProviderError | None) -> None:
        """Be gone for good."""
        self._is_connected = False
        self._events.close(ProviderEnded(error))

    def _become_ready(self, *, reconnected: bool) -> None:
        self._is_connected = True
        self.emit(ProviderReady(reconnected, len(self._held), self._n_dropped))
        self.sent.extend(self._held)
        self._held.clear()
        self._n_dropped = 0

    def _send(self, chunks: tuple[bytes, ...]) -> None:
        if self._is_connected:
            self.sent.extend(chunks)
            return
        for chunk in chunks:
            self._n_dropped += len(self._held) == _HOLD_CHUNKS
            self._held.append(chunk)

    def _end_turn(self) -> None:
        self._is_caller_speaking = False
        self._manager.receive_provider_speech_stopped(self._call_id, self._clock())

    def _set_speaking(self, *, is_speaking: bool, audio_ms: float = 0.0) -> None:
        self._manager.set_agent_speaking(
            self._call_id, is_speaking=is_speaking, now_ms=self._clock(), audio_ms=audio_ms
        )

    def _deliver(self, event: ProviderEvent) -> bool:
        match event:
            case AgentAudio(item_id) | AgentAudioDone(item_id):
                if self._ledger.is_cut(item_id):
                    return False
                self._ledger.deliver(item_id)
        return True
