"""Lines of a trace: as JSON has it, and back to the bit."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import BargeInConfig, GatingConfig
from voxgate.core.gate_decision import (
    GateAction,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.core.gate_tape import (
    AgentSpeaking,
    FarEndPlayed,
    FrameCaptured,
    GateBegun,
    GateEnded,
    GateInput,
    GateReconfigured,
    ProviderSpeechStarted,
    ProviderSpeechStopped,
    TimePassed,
)
from voxgate.recordings import RecordedDecision
from voxgate.recordings.trace_lines import (
    AudioPlace,
    decision_from_tree,
    decision_tree,
    input_from_tree,
    input_kind_of,
    input_kinds,
    input_tree,
    line_of,
    place_from_tree,
    tree_of_line,
)

numbers = st.floats(allow_nan=False)
times = st.floats(-1e12, 1e12)
config = GatingConfig(barge_in=BargeInConfig(min_ms=160))
inputs: st.SearchStrategy[GateInput] = st.one_of(
    st.builds(
        GateBegun,
        now_ms=times,
        provider=st.text(),
        capture_format=st.sampled_from([AudioFormat(), AudioFormat(Encoding.ALAW)]),
        far_end_format=st.just(AudioFormat(rate_hz=16_000)),
        config=st.sampled_from([config, GatingConfig()]),
    ),
    st.builds(FrameCaptured, now_ms=times, audio=st.just(b"a"), placed_ms=st.none() | times),
    st.builds(TimePassed, now_ms=times),
    st.builds(FarEndPlayed, now_ms=times, audio=st.just(b"a"), is_agent_audio=st.booleans()),
    st.builds(AgentSpeaking, now_ms=times, is_speaking=st.booleans(), audio_ms=times),
    st.builds(ProviderSpeechStarted, now_ms=times, capture_ms=st.none() | times),
    st.builds(ProviderSpeechStopped, now_ms=times),
    st.builds(GateReconfigured, now_ms=times, config=st.just(config)),
    st.just(GateEnded()),
)
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
    line = line_of(tree)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    json.loads(line, parse_constant=pytest.fail)  # no NaN, no Infinity
    return tree_of_line(line)


@pytest.mark.parametrize("time", ["inf", "-inf", "nan", 1e13, -1e13, 10**400, True, "1", [1]])
def test_a_time_that_no_clock_shows_is_none(time: object) -> None:
    """A gate that was told of it would fill slots until the end of days."""
    for name in ("now_ms", "placed_ms", "capture_ms", "audio_ms", "origin_ms", "started_ms"):
        line = json.dumps({"type": "time_passed", name: time}).encode()
        with pytest.raises(ValueError, match=f"{name} is no time|integer string"):
            tree_of_line(line)
    told = {"type": "opened", "t_ms": time, "reason": "barge_in", "count": 1, "detail": ""}
    plain = {"action": "forward", "state": "open", "reason": "barge_in", "events": [told]}
    with pytest.raises((TypeError, ValueError)):
        decision_from_tree(plain)


@given(inputs)
def test_every_input_comes_back(given_input: GateInput) -> None:
    """Of every kind, with its numbers to the last bit, whatever they are."""
    audio = getattr(given_input, "audio", None)
    place = None if audio is None else AudioPlace(n_bytes=len(audio))
    tree = read(input_tree(given_input, place))
    assert tree["type"] == input_kind_of(type(given_input))
    assert tree["type"] in input_kinds()
    back = input_from_tree(tree, audio)
    assert back == given_input
    assert repr(back) == repr(given_input)  # the sign of a zero too


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


def test_numbers_of_numpy_are_numbers() -> None:
    """Of the same value."""
    tree = read({"type": "x", "a": np.float32(0.1), "b": np.int16(-3), "c": np.bool_(1)})
    assert (tree["a"], tree["b"], tree["c"]) == (float(np.float32(0.1)), -3, True)


def test_what_has_no_place_in_a_trace_is_refused() -> None:
    """Audio above all."""
    with pytest.raises(TypeError, match="bytes has no place in a trace"):
        line_of({"type": "x", "audio": b"abc"})


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


@pytest.mark.parametrize(
    "place",
    [
        AudioPlace(n_bytes=320),
        AudioPlace(n_bytes=320, is_silent=True),
        AudioPlace(n_bytes=320, at=1600),
        AudioPlace(n_bytes=3, unplaced=b"\x00\xff\n"),
    ],
)
def test_where_audio_is_comes_back(place: AudioPlace) -> None:
    """Nowhere, silence, or the audio itself."""
    given_input = FrameCaptured(now_ms=0.0, audio=b"")
    assert place_from_tree(read(input_tree(given_input, place))) == place


def test_the_place_on_a_track_is_entered_later() -> None:
    """When it is settled."""
    tree = input_tree(
        FarEndPlayed(now_ms=0.0, audio=b"", is_agent_audio=True), AudioPlace(n_bytes=2)
    )
    assert place_from_tree(read({**tree, "at": 7})) == AudioPlace(n_bytes=2, at=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"n_bytes": -1},
        {"n_bytes": 2.5},
        {"n_bytes": True},
        {"at": -1},
        {"at": "1"},
        {"audio": "???"},
        {"now_ms": "soon"},
        {"now_ms": None},
        {"now_ms": True},
        {"placed_ms": []},
    ],
)
def test_a_damaged_input_is_refused(fields: dict[str, Any]) -> None:
    """With errors that a reader of files expects."""
    given_input = FrameCaptured(now_ms=0.0, audio=b"", placed_ms=1.0)
    tree = {**input_tree(given_input, AudioPlace(n_bytes=2)), **fields}
    with pytest.raises((ValueError, TypeError)):
        input_from_tree(tree, b"" if place_from_tree(tree) else None)


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


def test_what_later_versions_measure_is_left_out() -> None:
    """A reader goes by what it knows."""
    tree = {
        "action": "forward",
        "state": "open",
        "reason": "hangover",
        "measurements": {"capture_rms": 2.0, "moon_phase": 0.5},
    }
    assert decision_from_tree(tree).measurements == GateMeasurements(capture_rms=2.0)


@given(st.binary(max_size=40))
def test_any_line_is_a_tree_or_refused(line: bytes) -> None:
    """Nothing but ValueError."""
    try:
        tree = tree_of_line(line)
    except ValueError:
        return
    assert isinstance(tree["type"], str)


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"type":1}', b'{"type":"time_pas'])
def test_what_is_no_line_is_refused(line: bytes) -> None:
    """A line cut short among them."""
    with pytest.raises(ValueError, match=r"trace|Expecting|Unterminated"):
        tree_of_line(line)


def test_a_line_of_something_else_is_no_input() -> None:
    """Such as an event."""
    assert input_from_tree({"type": "event"}, None) is None
