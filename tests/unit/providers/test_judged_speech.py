"""Which frames are the caller's speech, by what a gate said of them."""

from __future__ import annotations

import dataclasses

import pytest

from support.scripted_gate import decision_of
from voxgate.core.gate_decision import GateDecision, GateMeasurements, GateReason
from voxgate.providers.judged_speech import is_judged_speech


def decision(
    reason: GateReason, confidence: float | None = None, logit: float | None = None
) -> GateDecision:
    measured = None
    if confidence is not None:
        measured = GateMeasurements(vad_confidence=confidence, near_end_logit=logit)
    return dataclasses.replace(decision_of(b""), reason=reason, measurements=measured)


def test_what_a_guard_has_judged_stands() -> None:
    """Speech is speech without a voice, and noise is none with one."""
    assert is_judged_speech(decision(GateReason.CALLER_SPEECH, 0.0))
    assert not is_judged_speech(decision(GateReason.LINE_NOISE, 1.0))


@pytest.mark.parametrize(
    "reason",
    [
        GateReason.AGENT_SILENT,
        GateReason.PASS_THROUGH,
        GateReason.BARGE_IN,
        GateReason.CALLER_TURN,
    ],
)
@pytest.mark.parametrize(("confidence", "is_speech"), [(0.6, True), (0.59, False), (None, False)])
def test_what_nobody_has_judged_goes_by_voice_activity(
    reason: GateReason, confidence: float | None, is_speech: bool
) -> None:
    """From 0.6 on; without a measurement it is no speech."""
    assert is_judged_speech(decision(reason, confidence)) is is_speech


@pytest.mark.parametrize(("logit", "is_speech"), [(0.1, True), (0.0, False)])
def test_the_near_end_detector_goes_before_voice_activity_where_asked(
    logit: float, is_speech: bool
) -> None:
    """Its word counts against any voice activity; not asked, voice activity counts."""
    heard = decision(GateReason.BARGE_IN, 0.0 if is_speech else 1.0, logit)
    assert is_judged_speech(heard, by_near_end=True) is is_speech
    assert is_judged_speech(heard) is not is_speech
