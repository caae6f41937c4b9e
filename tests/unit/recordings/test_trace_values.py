"""What is recorded of a decision."""

from __future__ import annotations

from dataclasses import fields, replace

from voxgate.core.gate_decision import (
    PASS_THROUGH,
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.recordings import RecordedDecision

DECISION = GateDecision(
    action=GateAction.FORWARD,
    state=GateState.BARGE_IN,
    reason=GateReason.BARGE_IN,
    audio=(b"one", b"two"),
    released=(b"one",),
    events=(
        GateEvent(type=GateEventType.ONSET_RELEASED, t_ms=1.0, reason=GateReason.BARGE_IN, count=1),
    ),
    measurements=GateMeasurements(capture_rms=3.0),
)


def test_a_decision_is_recorded_without_its_audio() -> None:
    """But with how much there was, and a digest of it."""
    recorded = RecordedDecision.of(DECISION)
    assert (recorded.n_released, recorded.n_chunks, len(recorded.audio_digest)) == (1, 2, 16)
    assert (recorded.events, recorded.measurements) == (DECISION.events, DECISION.measurements)
    assert "b'" not in repr(recorded)


def test_any_other_decision_is_another_record() -> None:
    """Whatever of it differs, the audio included."""
    others = {
        "action": GateAction.WITHHOLD,
        "state": GateState.OPEN,
        "reason": GateReason.HANGOVER,
        "audio": (b"one", b"twO"),
        "released": (),
        "events": (),
        "measurements": None,
    }
    assert others.keys() == {field.name for field in fields(GateDecision)}
    recorded = RecordedDecision.of(DECISION)
    assert RecordedDecision.of(replace(DECISION)) == recorded
    for name, other in others.items():
        assert RecordedDecision.of(replace(DECISION, **{name: other})) != recorded, name


def test_passing_through_is_recorded_as_what_it_is() -> None:
    """The frame itself went out: there is nothing to digest."""
    recorded = RecordedDecision.of(PASS_THROUGH)
    assert (recorded.reason, recorded.audio_digest) == (GateReason.PASS_THROUGH, "")
