"""From frames to segments with confidence."""

from __future__ import annotations

import numpy as np

from voxgate.lab.tune.hearing import Hearing
from voxgate.lab.tune.speech_model import (
    find_segments,
    find_spans,
    log_odds_by,
    silent_columns,
    windowed,
)
from voxgate.lab.tune.speech_weights import LogisticWeights


def hearing(strong: slice, *, level: float = 6.0, frames: int = 300) -> Hearing:
    """Return a call on which the agent speaks, with evidence of the caller in some frames."""
    features = np.tile([-4.0, -4.0, 5.0, -25.0], (frames, 1))
    features[strong] = [level, level, 40.0, -1.0]
    return Hearing(
        features=features,
        is_audible=np.ones(frames, bool),
        is_judged=np.ones(frames, bool),
    )


def test_strong_evidence_is_a_sure_segment() -> None:
    """Where it is, to a few frames."""
    (segment,) = find_segments(hearing(slice(100, 150)))
    assert segment.confidence > 0.95
    assert abs(segment.start_ms - 2000.0) <= 100.0
    assert abs(segment.end_ms - 3000.0) <= 100.0


def test_without_evidence_there_is_no_segment() -> None:
    """Also not on a call without a frame."""
    assert find_segments(hearing(slice(0, 0))) == ()
    empty = Hearing(
        features=np.zeros((0, 4)), is_audible=np.zeros(0, bool), is_judged=np.zeros(0, bool)
    )
    assert find_segments(empty) == ()


def test_weaker_evidence_is_less_sure() -> None:
    """So that it can be left out."""
    strong = find_segments(hearing(slice(100, 150)))
    weak = find_segments(hearing(slice(100, 112), level=1.5))
    assert max((segment.confidence for segment in weak), default=0.0) < strong[0].confidence


def test_frames_that_cannot_be_judged_give_no_evidence() -> None:
    """Neither way."""
    call = hearing(slice(100, 150))
    unjudged = Hearing(
        features=call.features, is_audible=call.is_audible, is_judged=np.zeros(300, bool)
    )
    model = LogisticWeights(np.ones(16), bias=3.0)
    silent = LogisticWeights(np.ones(len(silent_columns())), bias=0.0)
    assert not log_odds_by(unjudged, model, silent).any()
    assert log_odds_by(call, model, silent).all()


def test_short_pauses_belong_to_a_span_and_long_ones_do_not() -> None:
    """240 ms are bridged, as in the labels of simulated calls."""
    log_odds = np.full(400, -6.0)
    log_odds[50:100] = log_odds[108:150] = log_odds[250:300] = 6.0
    assert [(first // 10, after // 10) for first, after in find_spans(log_odds)] == [
        (5, 15),
        (25, 30),
    ]


def test_windows_look_ahead_as_well_as_back() -> None:
    """An impulse shows as much before as after."""
    features = np.zeros((101, 4))
    features[50, 0] = 8.0
    wide = windowed(features)
    assert wide.shape == (101, 16)
    for column in (0, 4, 8, 12):
        assert np.allclose(wide[:, column], wide[::-1, column])
    assert wide[45, 12] > 0.0
    assert wide[45, 4] == 0.0
