"""Models as plain trees, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from voxgate.core.audio import AudioFormat
from voxgate.core.call_stats import CallStats
from voxgate.core.config import GatingConfig, GatingMode, VadConfig
from voxgate.recordings import RecordedEnd
from voxgate.recordings.plain_values import (
    from_plain,
    is_time,
    text_of,
    time_of,
    to_plain,
    whole_of,
)


def through_json(model: object) -> object:
    return json.loads(json.dumps(to_plain(model)))


def test_a_whole_gate_s_configuration_comes_back() -> None:
    """Policies of every kind, names, enums, and numbers to the bit."""
    config = GatingConfig(kinds={"mine": "local"}, vad=VadConfig(confidence_threshold=0.1 + 0.2))
    policies = dict(config.providers)
    policies["openai_realtime"] = replace(
        policies["openai_realtime"], mode=GatingMode.HALF_DUPLEX, aliases=("one", "two")
    )
    config = replace(config, providers=policies)
    assert from_plain(GatingConfig, through_json(config)) == config


@pytest.mark.parametrize("gate", [None, CallStats(captured_frames=7, barge_ins=2)])
def test_the_end_of_a_call_comes_back(gate: CallStats | None) -> None:
    """With the gate's counters, or without."""
    end = RecordedEnd(
        reason="drained", duration_ms=0.1, provider="x", predecessors=("a", "b"), gate=gate
    )
    assert from_plain(RecordedEnd, through_json(end)) == end


@dataclass(frozen=True)
class Moment:
    at: datetime
    note: str = "as ever"


def test_a_moment_comes_back() -> None:
    """In UTC."""
    moment = Moment(datetime(2026, 11, 22, 13, 0, 0, 123_000, UTC))
    assert to_plain(moment)["at"] == "2026-11-22T13:00:00.123000Z"
    assert from_plain(Moment, through_json(moment)) == moment


def test_what_other_versions_wrote_is_read() -> None:
    """A field that is not known is left out, one that is missing has its default."""
    tree = {"at": "2026-11-22T13:00:00Z", "colour": "green"}
    assert from_plain(Moment, tree).note == "as ever"


@pytest.mark.parametrize(
    "tree",
    [
        [],
        None,
        {},
        {"at": 7},
        {"at": "noon"},
        {"at": "2026-11-22T13:00:00Z", "note": 1},
    ],
)
def test_what_stands_for_no_model_is_refused(tree: object) -> None:
    """With an error that a reader of files expects."""
    with pytest.raises((ValueError, TypeError)):
        from_plain(Moment, tree)


def test_a_wrong_value_deep_inside_is_refused() -> None:
    """By the model itself."""
    tree = through_json(GatingConfig())
    assert isinstance(tree, dict)
    tree["barge_in"]["min_ms"] = 5
    with pytest.raises(ValueError, match="min_ms: 5 is not in"):
        from_plain(GatingConfig, tree)


def test_what_a_model_works_out_by_itself_is_not_written() -> None:
    """Found by fuzzing: a format's sizes stood in the trace and could not be read back. Traces that
    have them are read too."""
    wide = AudioFormat(rate_hz=16_000)
    assert through_json(wide) == {"encoding": "pcm16", "rate_hz": 16_000}
    assert from_plain(AudioFormat, through_json(wide)) == wide
    assert from_plain(AudioFormat, {**to_plain(wide), "sample_bytes": 1}).frame_bytes == 640


def test_whole_numbers_text_and_times_are_taken_as_they_are() -> None:
    """A time may be whole."""
    assert (whole_of(7), text_of("noon"), time_of(7), time_of(-0.5)) == (7, "noon", 7, -0.5)
    assert is_time(None)


@pytest.mark.parametrize("tree", [True, None, "7", [7], 1e13, float("nan")])
def test_what_is_no_time_or_whole_number_is_refused(tree: object) -> None:
    """Above all what no clock shows."""
    with pytest.raises(TypeError):
        time_of(tree)
    with pytest.raises(TypeError):
        whole_of(tree)
    assert is_time(tree) is (tree is None)


@pytest.mark.parametrize("tree", [True, None, 7, b"noon"])
def test_what_is_no_text_is_refused(tree: object) -> None:
    """Bytes among it."""
    with pytest.raises(TypeError):
        text_of(tree)
