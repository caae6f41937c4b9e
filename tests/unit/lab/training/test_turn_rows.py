"""Sequences of agent turns."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from support.training_turns import short_call
from voxgate.core.echo.features import FEATURE_COUNT
from voxgate.core.echo.near_end_detector import EchoAwareDetector
from voxgate.core.echo.recurrent_network import packaged_weights
from voxgate.lab.scenarios import Call
from voxgate.lab.training.labels import audible_frames, label_frames
from voxgate.lab.training.turn_rows import record_turns


def test_the_same_call_gives_the_same_rows() -> None:
    """Nothing in a row is left to chance, and a call's turns do not depend on the last call's."""
    first, again = list(record_turns(short_call())), list(record_turns(short_call()))
    assert len(first) > 0
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.features, two.features)
        np.testing.assert_array_equal(one.labels, two.labels)
        assert one.truth == two.truth


def test_another_seed_gives_other_rows() -> None:
    """A seed is all of a call's chance."""
    rows = [next(record_turns(short_call(seed))).features[:20] for seed in (3, 4)]
    assert not np.array_equal(*rows)


def test_rows_are_what_a_gate_s_detector_sees() -> None:
    """The features are those of the detector that ships, frame by frame, from the call's start."""
    call = short_call()
    audible = audible_frames(call)
    detector = EchoAwareDetector(packaged_weights())
    seen = {}
    for index, is_audible in enumerate(audible):
        at = slice(index * 160, (index + 1) * 160)
        detector.process(call.capture[at], call.far_end[at], agent_audible=bool(is_audible))
        if detector.features is not None:
            seen[index] = detector.features.astype(np.float16)
    labels, since_onset = label_frames(call)
    recorded = 0
    for turn in record_turns(call):
        assert turn.features.shape == (len(turn.labels), FEATURE_COUNT)
        np.testing.assert_array_equal(turn.features, [seen[i] for i in turn.frame_index])
        np.testing.assert_array_equal(turn.labels, labels[turn.frame_index])
        np.testing.assert_array_equal(turn.since_onset, since_onset[turn.frame_index])
        recorded += len(turn.labels)
    assert recorded == len(seen)


def silenced(call: Call, frames: slice) -> Call:
    capture = call.capture.copy()
    capture[frames.start * 160 : frames.stop * 160] = 0
    return replace(call, capture=capture)


@pytest.mark.parametrize(("lost", "unjudged"), [(3, 3), (12, 5)])
def test_lost_frames_have_no_row_and_silent_lines_do(lost: int, unjudged: int) -> None:
    """Up to five all-zero frames are lost packets; from the sixth on the line is silent."""
    first = next(record_turns(short_call())).frame_index
    at = int(first[40])
    rows = next(record_turns(silenced(short_call(), slice(at, at + lost))))
    assert sorted(set(first) - set(rows.frame_index)) == list(range(at, at + unjudged))


def test_the_truth_is_that_of_the_turn() -> None:
    """Each turn knows its own time, the next one's, and all that the caller says."""
    silence = np.zeros(400 * 160, np.int16)
    noise = np.random.default_rng(1).integers(-900, 900, len(silence)).astype(np.int16)
    call = Call(
        capture=noise,
        far_end=silence,
        agent_speaking=[(1600, 8000), (32_000, 40_000)],
        caller_speech=[(4000, 6000), (7000, 8000)],
        tags={"codec": "mulaw"},
    )
    first, second = record_turns(call)
    assert (first.truth.turn, first.truth.next_turn_ms) == ((200.0, 1000.0), 4000.0)
    assert (second.truth.turn, second.truth.next_turn_ms) == ((4000.0, 5000.0), math.inf)
    assert first.truth.utterances == ((500.0, 1000.0),)
    assert second.truth.tags == {"codec": "mulaw"}
    assert first.frame_index.tolist() == list(range(10, 86))


def test_a_turn_whose_capture_never_came_has_no_rows() -> None:
    """Nothing can be learnt from a line that delivered nothing."""
    silence = np.zeros(4 * 160, np.int16)
    call = Call(capture=silence, far_end=silence, agent_speaking=[(0, 640)], caller_speech=[])
    assert list(record_turns(call)) == []
