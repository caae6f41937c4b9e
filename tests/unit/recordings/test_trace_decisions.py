"""Decisions in the lines of a trace: back to the bit, or refused."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.gate_decision import (
    GateAction,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.recordings import RecordedDecision
from voxgate.recordings.trace_decisions import decision_from_tree, decision_of, decision_tree
from voxgate.recordings.trace_lines import line_of, tree_of_line

numbers = st.floats(allow_nan=False)
times = st.floats(-1e12, 1e12)
events = st.builds(
    GateEvent,
    type=st.sampled_from(GateEventType),
    t_ms=times,
    reason=st.sampled_from(GateReason),
    count=st.integers(0, 99),
    detail=st.text(max_size=5),
)
optional = st.none() | numbers
measurements = st.builds(
    GateMeasurements,
    capture_rms=numbers,
    zcr_ratio=numbers,
    vad_confidence=numbers,
    noise_floor=numbers,
    near_end_logit=optional,
    evidence_ms=numbers,
    evidence_span_ms=numbers,
    agent_audible=st.booleans(),
    speech_logit=optional,
    near_end_dbfs=optional,
    echo_delay_ms=optional,
    erl_db=optional,
    erle_db=optional,
    attenuation_db=numbers,
)
decisions = st.builds(
    RecordedDecision,
    action=st.sampled_from(GateAction),
    state=st.sampled_from(GateState),
    reason=st.sampled_from(GateReason),
    n_released=st.integers(0, 25),
    n_chunks=st.integers(1, 26),
    audio_digest=st.just("0123456789abcdef"),
    events=st.lists(events, max_size=2).map(tuple),
    measurements=st.none() | measurements,
)


def read(tree: dict[str, Any]) -> dict[str, Any]:
    return tree_of_line(line_of(tree))


@pytest.mark.parametrize("time", ["inf", "-inf", "nan", 1e13, -1e13, 10**400, True, "1", [1], None])
def test_an_event_at_a_time_that_no_clock_shows_is_refused(time: object) -> None:
    """Whatever else of it is right."""
    told = {"type": "opened", "t_ms": time, "reason": "barge_in", "count": 1, "detail": ""}
    plain = {"action": "forward", "state": "open", "reason": "barge_in", "events": [told]}
    with pytest.raises((TypeError, ValueError)):
        decision_from_tree(plain)


def test_an_input_may_have_no_decision() -> None:
    """Such as time that passed."""
    assert decision_of({"type": "time_passed"}) is None


@given(decisions)
def test_every_decision_comes_back(decision: RecordedDecision) -> None:
    """With all that was measured."""
    back = decision_from_tree(read({"type": "x", **decision_tree(decision)}))
    assert back == decision
    assert repr(back) == repr(decision)


def test_a_trace_holds_every_measurement() -> None:
    """Whoever adds one finds it in the trace."""
    measured = GateMeasurements()
    for field in fields(measured):
        measured = replace(measured, **{field.name: field.default is False or 1.5})
    decision = RecordedDecision(
        action=GateAction.FORWARD,
        state=GateState.OPEN,
        reason=GateReason.HANGOVER,
        measurements=measured,
    )
    tree = decision_tree(decision)["measurements"]
    assert tree.keys() == {field.name for field in fields(measured)}


def test_no_number_is_no_json() -> None:
    """Infinite numbers are text, and numbers again."""
    measured = GateMeasurements(near_end_dbfs=-math.inf, erle_db=math.inf)
    decided = RecordedDecision(
        action=GateAction.FORWARD,
        state=GateState.OPEN,
        reason=GateReason.PASS_THROUGH,
        measurements=measured,
    )
    line = read({"type": "time_passed", "decision": decision_tree(decided)})
    assert decision_from_tree(line["decision"]) == decided


def test_what_later_versions_measure_is_left_out() -> None:
    """A reader goes by what it knows."""
    tree = {
        "action": "forward",
        "state": "open",
        "reason": "hangover",
        "measurements": {"capture_rms": 2.0, "moon_phase": 0.5},
    }
    assert decision_from_tree(tree).measurements == GateMeasurements(capture_rms=2.0)


@pytest.mark.parametrize(
    "fields",
    [{"action": "maybe"}, {"n_released": "2"}, {"measurements": {"erl_db": "high"}}, {"events": 1}],
)
def test_a_damaged_decision_is_refused(fields: dict[str, Any]) -> None:
    """Likewise."""
    decision = RecordedDecision(
        action=GateAction.FORWARD, state=GateState.OPEN, reason=GateReason.HANGOVER
    )
    with pytest.raises((ValueError, TypeError)):
        decision_from_tree({**decision_tree(decision), **fields})
