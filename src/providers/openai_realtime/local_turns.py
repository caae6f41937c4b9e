"""The caller's turns by what the gate says of each frame, for servers that are not to find them.

The gate tells speech from line noise, music and echo already; what is left to do is to wait for a
silence. Invariant: beginnings and ends alternate, and time without frames ends a turn too.
"""

from __future__ import annotations

__all__ = ["LocalTurns", "TurnBegan", "TurnEnded", "TurnEvent"]

from dataclasses import dataclass

from ...core.audio import FRAME_MS
from ...core.gate_decision import GateDecision
from ...core.gate_transitions import GateEventType
from ..judged_speech import MAX_GAP_MS, is_judged_speech

_MIN_SPEECH_MS = 100
"""Speech that makes a turn: shorter than a "yes", longer than a click; also the least that the
protocol lets a client commit."""


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """The caller has begun to speak."""

    capture_ms: float
    """When, on the call's clock."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The caller has been silent for long enough."""

    capture_ms: float
    """End of the last speech, on the call's clock."""


TurnEvent = TurnBegan | TurnEnded


class LocalTurns:
    """Finds the turns of one call.

    Args:
        silence_duration_ms: Silence that ends a turn, in ms.
    """

    def __init__(self, *, silence_duration_ms: float) -> None:
        self._silence_duration_ms = silence_duration_ms
        self._is_speaking = False
        self._speech_ms = 0.0
        self._began_ms = 0.0
        self._last_speech_ms: float | None = None

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is going on."""
        return self._is_speaking

    def process(self, decision: GateDecision, now_ms: float) -> TurnEvent | None:
        """Take what the gate said of a frame, and return what that shows."""
        committed = any(e.type is GateEventType.BARGE_IN_COMMITTED for e in decision.events)
        if committed or is_judged_speech(decision):
            self._hear(FRAME_MS * (1 + len(decision.released)), now_ms)
        if not self._is_speaking and (committed or self._speech_ms >= _MIN_SPEECH_MS):
            self._is_speaking = True
            return TurnBegan(self._began_ms)
        return self.advance(now_ms)

    def advance(self, now_ms: float) -> TurnEvent | None:
        """Let time pass, and return what that shows."""
        last_ms = self._last_speech_ms
        if last_ms is None:
            return None
        silence_ms = now_ms - last_ms
        if not self._is_speaking and silence_ms > MAX_GAP_MS:
            self._forget()
        elif self._is_speaking and silence_ms >= self._silence_duration_ms:
            self._is_speaking = False
            self._forget()
            return TurnEnded(last_ms)
        return None

    def _hear(self, duration_ms: float, now_ms: float) -> None:
        if self._last_speech_ms is None:
            self._began_ms = now_ms - duration_ms
        # What is released with a frame is its onset; only the frame itself counts as evidence.
        self._speech_ms += FRAME_MS
        self._last_speech_ms = now_ms

    def _forget(self) -> None:
        self._speech_ms = 0.0
        self._last_speech_ms = None
