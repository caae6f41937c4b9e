"""The fitted numbers."""

from __future__ import annotations

import numpy as np

from voxgate.lab.tune.hearing import FEATURE_NAMES
from voxgate.lab.tune.speech_model import silent_columns
from voxgate.lab.tune.speech_weights import AGENT_AUDIBLE, AGENT_SILENT, SEGMENT, WINDOW_FRAMES


def test_there_is_a_weight_for_each_input() -> None:
    """Of each model, all finite."""
    width = len(FEATURE_NAMES) * len(WINDOW_FRAMES)
    assert AGENT_AUDIBLE.weights.shape == (width,)
    assert AGENT_SILENT.weights.shape == (len(silent_columns()),)
    assert SEGMENT.weights.shape == (5,)
    for model in (AGENT_AUDIBLE, AGENT_SILENT, SEGMENT):
        assert np.isfinite([*model.weights, model.bias, model.prior_log_odds]).all()


def test_more_evidence_makes_a_segment_surer() -> None:
    """Its peak and its mean speak for it."""
    assert SEGMENT.weights[0] > 0
    assert SEGMENT.weights[1] > 0
