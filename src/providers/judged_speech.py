"""Which frames count as the caller's speech where a provider finds turns by what a gate said.

Invariant: what a guard has judged stands; only a frame that no guard has judged goes by its
measurements.
"""

from __future__ import annotations

__all__ = ["MAX_GAP_MS", "is_judged_speech"]

from ..core.gate_decision import GateDecision, GateReason

MAX_GAP_MS = 240
"""Pause in ms between sounds that still count together towards a turn's beginning: longer than the
stop of a consonant, shorter than the time between two coughs."""

_VOICE_CONFIDENCE = 0.6
"""Voice activity from which a frame counts where nothing better has judged it: the default of
``vad.confidence_threshold``."""

_UNJUDGED = frozenset(
    {
        GateReason.AGENT_SILENT,
        GateReason.PASS_THROUGH,
        GateReason.BARGE_IN,
        GateReason.CALLER_TURN,
    }
)


def is_judged_speech(decision: GateDecision, *, by_near_end: bool = False) -> bool:
    """Return whether a frame is the caller's speech.

    Args:
        decision: The gate's of the frame.
        by_near_end: Where no guard has judged the frame, the near-end detector's word goes before
            voice activity, if it has one.
    """
    if decision.reason is GateReason.CALLER_SPEECH:
        return True
    measured = decision.measurements
    if decision.reason not in _UNJUDGED or measured is None:
        return False
    if by_near_end and measured.near_end_logit is not None:
        return measured.near_end_logit > 0.0
    return measured.vad_confidence >= _VOICE_CONFIDENCE
