"""The caller's turns, by what a gate says of each captured frame.

While the agent is silent the gate's guard tells speech from noise, and a silence ends the turn.
Over the agent the gate's echo-aware verdict has to commit first, and the evidence has to last.
Invariant: beginnings and ends alternate, and time without frames ends a turn too.
"""

from __future__ import annotations

__all__ = ["CallerTurns", "TurnBegan", "TurnEnded"]

from dataclasses import dataclass

from ...config.local_models import LocalTurnsConfig
from ...core.audio import FRAME_MS
from ...core.gate_decision import GateDecision, GateState
from ..judged_speech import MAX_GAP_MS, is_judged_speech

_MIN_SPEECH_MS = 100
"""Speech that makes a turn while the agent is silent: shorter than a "yes", longer than a click."""

_ECHO_DOUBT = 3.0
"""So many times the usual evidence interrupts the agent although the words look like its own: a
caller may repeat them."""


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """The caller has begun to speak."""

    capture_ms: float
    """When, on the call's clock."""
    is_over_agent: bool = False
    """The agent was being heard."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The caller has been silent for long enough, or has spoken for as long as one may."""

    capture_ms: float
    """End of the last speech, on the call's clock."""
    speech_ms: float
    """Speech in the turn, without its pauses."""


class CallerTurns:
    """Finds the turns of one call.

    Args:
        config: Silence, evidence and the longest turn.
    """

    def __init__(self, config: LocalTurnsConfig) -> None:
        self._config = config
        self._is_speaking = False
        self._is_suspected = False
        self._speech_ms = 0.0
        self._began_ms = 0.0
        self._last_speech_ms: float | None = None

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is going on."""
        return self._is_speaking

    @property
    def is_suspected(self) -> bool:
        """Whether the gate took the last frame for the caller over the agent, as no turn yet."""
        return self._is_suspected and not self._is_speaking

    def process(
        self,
        decision: GateDecision,
        now_ms: float,
        *,
        is_agent_heard: bool = True,
        is_own_words: bool = False,
    ) -> TurnBegan | TurnEnded | None:
        """Take what a gate said of a frame, and return what that shows.

        Args:
            decision: The gate's.
            now_ms: Monotonic time.
            is_agent_heard: The line plays the agent; else what the gate suspects is the caller.
            is_own_words: What is recognised so far of a suspected turn are the agent's own words.
        """
        self._is_suspected = decision.state is GateState.BARGE_IN
        if self._is_suspected and not self._is_speaking:
            wanted_ms = self._config.interruption_ms * (_ECHO_DOUBT if is_own_words else 1.0)
            return self._interrupt(
                decision, now_ms, wanted_ms if is_agent_heard else _MIN_SPEECH_MS
            )
        if is_judged_speech(decision, by_near_end=True):
            self._hear(now_ms)
        if not self._is_speaking and self._speech_ms >= _MIN_SPEECH_MS:
            self._is_speaking = True
            return TurnBegan(self._began_ms)
        return self.advance(now_ms)

    def advance(self, now_ms: float) -> TurnEnded | None:
        """Let time pass, and return what that shows."""
        last_ms = self._last_speech_ms
        if last_ms is None:
            return None
        silence_ms = now_ms - last_ms
        if not self._is_speaking:
            if silence_ms > MAX_GAP_MS:
                self._forget()
            return None
        is_too_long = now_ms - self._began_ms >= self._config.max_turn_s * 1000
        if silence_ms < self._config.silence_duration_ms and not is_too_long:
            return None
        ended = TurnEnded(last_ms, self._speech_ms)
        self._is_speaking = False
        self._forget()
        return ended

    def _interrupt(
        self, decision: GateDecision, now_ms: float, wanted_ms: float
    ) -> TurnBegan | None:
        measured = decision.measurements
        evidence_ms = 0.0 if measured is None else measured.evidence_ms
        if evidence_ms < wanted_ms:
            return None
        self._is_speaking = True
        self._speech_ms = evidence_ms
        self._began_ms = now_ms - evidence_ms
        self._last_speech_ms = now_ms
        return TurnBegan(self._began_ms, is_over_agent=True)

    def _hear(self, now_ms: float) -> None:
        if self._last_speech_ms is None:
            self._began_ms = now_ms - FRAME_MS
        self._speech_ms += FRAME_MS
        self._last_speech_ms = now_ms

    def _forget(self) -> None:
        self._speech_ms = 0.0
        self._last_speech_ms = None
