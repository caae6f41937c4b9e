"""The decision, and the one constant that stands for no gate at all."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

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


def test_pass_through_gives_the_very_frame_object() -> None:
    """What goes out for a frame that passes through is that object, not a copy."""
    frame = bytes(range(160)) * 2
    (sent,) = PASS_THROUGH.audio_for(frame)
    assert sent is frame


def test_any_other_decision_gives_its_own_audio() -> None:
    """Released frames and the frame or its silence, in order, or nothing."""
    decision = GateDecision(
        action=GateAction.FORWARD,
        state=GateState.BARGE_IN,
        reason=GateReason.BARGE_IN,
        audio=(b"ab", b"cd"),
        released=(b"ab",),
    )
    assert decision.audio_for(b"ef") == (b"ab", b"cd")
    withheld = GateDecision(
        action=GateAction.WITHHOLD, state=GateState.CLOSED, reason=GateReason.AGENT_AUDIBLE
    )
    assert withheld.audio_for(b"ef") == ()


def test_a_copy_of_pass_through_lets_the_frame_out_as_well() -> None:
    """A decision that was pickled or copied on its way loses no frame."""
    for equal in (copy.deepcopy(PASS_THROUGH), pickle.loads(pickle.dumps(PASS_THROUGH))):  # noqa: S301
        assert equal == PASS_THROUGH
        assert equal.audio_for(b"ab") == (b"ab",)


def test_decisions_are_values() -> None:
    """They compare by content, survive pickling for traces, and can't be changed."""
    event = GateEvent(
        type=GateEventType.GATE_CLOSED, t_ms=20.0, reason=GateReason.AGENT_AUDIBLE, count=3
    )
    decision = GateDecision(
        action=GateAction.WITHHOLD,
        state=GateState.CLOSED,
        reason=GateReason.AGENT_AUDIBLE,
        events=(event,),
        measurements=GateMeasurements(capture_rms=5.0),
    )
    assert pickle.loads(pickle.dumps(decision)) == decision  # noqa: S301 - our own bytes
    with pytest.raises(FrozenInstanceError):
        decision.action = GateAction.FORWARD  # type: ignore[misc]


def test_reasons_and_events_are_stable_words() -> None:
    """Their values are names for logs and traces: lower case, no two alike."""
    for words in (GateReason, GateEventType, GateState, GateAction):
        values = [str(word) for word in words]
        assert len(set(values)) == len(values)
        assert all(value == value.lower() and value.isidentifier() for value in values)
