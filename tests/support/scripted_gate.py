"""A gate that decides what a test says and keeps what it was told."""

from __future__ import annotations

__all__ = ["ScriptedGate", "decision_of", "interruption"]

import asyncio
from collections import deque
from dataclasses import dataclass, field

from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateReason,
    GateState,
)


def decision_of(*audio: bytes, n_released: int = 0) -> GateDecision:
    """Return a decision that sends ``audio``, the first ``n_released`` of it held until now."""
    return GateDecision(
        action=GateAction.FORWARD if audio else GateAction.WITHHOLD,
        state=GateState.OPEN,
        reason=GateReason.CALLER_SPEECH,
        audio=audio,
        released=audio[:n_released],
    )


def interruption(now_ms: float = 0.0) -> GateDecision:
    """Return the decision that says that the agent was interrupted."""
    event = GateEvent(
        type=GateEventType.INTERRUPTED, t_ms=now_ms, reason=GateReason.PROVIDER_SPEECH
    )
    return GateDecision(
        action=GateAction.FORWARD,
        state=GateState.OPEN,
        reason=GateReason.PROVIDER_SPEECH,
        events=(event,),
    )


@dataclass
class ScriptedGate:
    """Forwards every frame, unless decisions are queued for the next ones."""

    frame_decisions: deque[GateDecision] = field(default_factory=deque)
    idle_decisions: deque[GateDecision] = field(default_factory=deque)
    speech_decisions: deque[GateDecision] = field(default_factory=deque)
    frames: list[tuple[str, bytes, float]] = field(default_factory=list)
    speaking: list[tuple[bool, float]] = field(default_factory=list)
    """Every word on the agent's speaking: whether it does, and how many ms were generated."""
    spoken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at every word on the agent's speaking."""
    heard: list[str] = field(default_factory=list)
    """``started`` and ``stopped``, as the provider's turn detector reported them."""
    speech_starts: list[float | None] = field(default_factory=list)
    """When each turn began, on the call's clock, as the provider reported it."""

    @property
    def is_agent_speaking(self) -> bool:
        """The last word on that."""
        return bool(self.speaking) and self.speaking[-1][0]

    async def wait_for_pieces(self, n_pieces: int) -> None:
        """Wait until the agent has generated so many pieces of audio."""
        async with asyncio.timeout(30.0):
            while sum(is_speaking for is_speaking, _ in self.speaking) < n_pieces:
                self.spoken.clear()
                await self.spoken.wait()

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        self.frames.append((call_id, frame, now_ms))
        return self.frame_decisions.popleft() if self.frame_decisions else decision_of(frame)

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        return self.idle_decisions.popleft() if self.idle_decisions else decision_of()

    def set_agent_speaking(
        self, call_id: str, is_speaking: bool, now_ms: float, *, audio_ms: float = 0.0
    ) -> None:
        self.speaking.append((is_speaking, audio_ms))
        self.spoken.set()

    def receive_provider_speech_started(
        self, call_id: str, now_ms: float, *, capture_ms: float | None = None
    ) -> GateDecision:
        self.heard.append("started")
        self.speech_starts.append(capture_ms)
        return self.speech_decisions.popleft() if self.speech_decisions else decision_of()

    def receive_provider_speech_stopped(self, call_id: str, now_ms: float) -> None:
        self.heard.append("stopped")
