"""Lines of a trace: as JSON has it, and back to the bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import BargeInConfig, GatingConfig
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
from voxgate.recordings.trace_lines import (
    AudioPlace,
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


def test_numbers_of_numpy_are_numbers() -> None:
    """Of the same value."""
    tree = read({"type": "x", "a": np.float32(0.1), "b": np.int16(-3), "c": np.bool_(1)})
    assert (tree["a"], tree["b"], tree["c"]) == (float(np.float32(0.1)), -3, True)


def test_what_has_no_place_in_a_trace_is_refused() -> None:
    """Audio above all."""
    with pytest.raises(TypeError, match="bytes has no place in a trace"):
        line_of({"type": "x", "audio": b"abc"})


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
