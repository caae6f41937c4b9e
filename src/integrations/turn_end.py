"""When the caller's turn has ended, by the gate's decisions, for a provider that does not look.

Invariant: it is counted in audio time; a turn ends once.
"""

from __future__ import annotations

__all__ = ["TurnEnd", "is_caller_speech"]

from ..core.gate_decision import GateDecision, GateReason

_MIN_SPEECH_MS = 100.0
"""Speech from which there is a turn: longer than a click, shorter than "yes"."""

_HEARD_OVER_AGENT = {GateReason.BARGE_IN, GateReason.CALLER_TURN, GateReason.PROVIDER_SPEECH}
"""Reasons why everything passes, pauses too: there the measurements tell speech."""

_VOICED = 0.5


def is_caller_speech(decision: GateDecision) -> bool:
    """Say whether a captured chunk holds speech of the caller, by what the gate found."""
    if decision.reason is GateReason.CALLER_SPEECH:
        return True
    measured = decision.measurements
    if decision.reason not in _HEARD_OVER_AGENT or measured is None:
        return False
    if measured.near_end_logit is not None:
        return measured.near_end_logit > 0.0
    return measured.vad_confidence >= _VOICED


class TurnEnd:
    """The end of the caller's turns on one call.

    Args:
        silence_ms: Silence after which a turn has ended.

    Raises:
        ValueError: ``silence_ms`` is not above 0.
    """

    __slots__ = ("_is_in_turn", "_silence_ms", "_silent_ms", "_spoken_ms")

    def __init__(self, silence_ms: float = 500.0) -> None:
        if not silence_ms > 0:
            raise ValueError(f"silence_ms: {silence_ms} is not above 0")
        self._silence_ms = silence_ms
        self._is_in_turn = False
        self._spoken_ms = 0.0
        self._silent_ms = 0.0

    @property
    def is_in_turn(self) -> bool:
        """The caller has begun to speak, and has not been silent for long enough since."""
        return self._is_in_turn

    def begin(self) -> None:
        """Take that the caller has the turn, without waiting for speech."""
        self._is_in_turn = True
        self._silent_ms = 0.0

    def observe(self, duration_ms: float, *, is_speech: bool) -> bool:
        """Count captured audio; return whether the turn has ended with it."""
        if is_speech:
            self._spoken_ms += duration_ms
            self._silent_ms = 0.0
            self._is_in_turn |= self._spoken_ms >= _MIN_SPEECH_MS
            return False
        self._silent_ms += duration_ms
        if self._silent_ms < self._silence_ms:
            return False
        has_ended, self._is_in_turn, self._spoken_ms = self._is_in_turn, False, 0.0
        return has_ended
