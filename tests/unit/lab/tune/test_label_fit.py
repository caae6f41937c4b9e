"""Fitting."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.tune.hearing import Hearing
from voxgate.lab.tune.label_fit import HeardCall, fit_logistic, fit_models, main


def test_a_logistic_model_finds_what_made_the_truth() -> None:
    """Weights, bias and the share of truths."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(20_000, 2)) * [1.0, 5.0]
    prob = 1.0 / (1.0 + np.exp(-(2.0 * rows[:, 0] - 0.3 * rows[:, 1] + 0.5)))
    truth = rng.random(len(rows)) < prob
    model = fit_logistic(rows, truth)
    assert model.weights == pytest.approx([2.0, -0.3], rel=0.1)
    assert model.bias == pytest.approx(0.5, abs=0.1)
    share = truth.mean()
    assert model.prior_log_odds == pytest.approx(np.log(share / (1 - share)))


def heard(seed: int) -> HeardCall:
    """A call with evidence of the caller from 2 s to 3 s, and a false alarm of as much after it."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(400, 4)) + np.array([-3.0, -3.0, 5.0, -20.0])
    features[100:150] += [8.0, 8.0, 25.0, 18.0]
    features[300:330] += [6.0, 6.0, 20.0, 14.0]
    audible = np.arange(400) % 200 < 120
    return HeardCall(
        Hearing(features=features, is_audible=audible, is_judged=np.ones(400, bool)),
        ((2000.0, 3000.0),),
    )


def test_models_are_fitted_for_frames_and_for_segments() -> None:
    """The same calls give the same numbers."""
    calls = [heard(seed) for seed in range(4)]
    models = fit_models(calls)
    again = fit_models(calls)
    assert list(models) == ["AGENT_AUDIBLE", "AGENT_SILENT", "SEGMENT"]
    for name, model in models.items():
        assert np.isfinite(model.weights).all()
        assert model.weights.tolist() == again[name].weights.tolist()
    assert models["SEGMENT"].weights[0] > 0.0


def test_truth_can_be_widened() -> None:
    """By frames, within the call."""
    call = heard(1)
    assert np.flatnonzero(call.truth()).tolist() == list(range(100, 150))
    assert np.flatnonzero(call.truth(before=5, after=10)).tolist() == list(range(95, 160))


def test_it_asks_for_one_bank(capsys) -> None:
    """And says so."""
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
