"""The envelope predictor: learns gain and delay, resists double-talk, is never below zero."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.core.echo.envelope_predictor import EnvelopePredictor

BANDS = 3
NO_NOISE = np.zeros(BANDS, np.float32)


def _far_end(n_frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(0.5, 0.01, (n_frames, BANDS)).astype(np.float32)


def _echo(far_end: np.ndarray, delay_frames: int = 9, gain: float = 0.1) -> np.ndarray:
    return np.concatenate([np.zeros((delay_frames, BANDS), np.float32), gain * far_end])


def _teach(predictor: EnvelopePredictor, far_end: np.ndarray, capture: np.ndarray) -> np.ndarray:
    predicted = []
    for sent, heard in zip(far_end, capture, strict=False):
        predicted.append(predictor.predict(sent))
        predictor.learn(heard, NO_NOISE, predicted[-1])
    return np.array(predicted)


def test_it_learns_how_loud_the_echo_will_be() -> None:
    """After 20 s of an echo 180 ms later and 10 dB weaker the error is a third of it at most."""
    far_end = _far_end(1000)
    capture = _echo(far_end)[:1000]
    predicted = _teach(EnvelopePredictor(BANDS), far_end, capture)
    error = np.square(predicted - capture)[-200:].sum() / np.square(capture)[-200:].sum()
    assert error < 0.35


def test_before_it_learnt_it_predicts_nothing_and_noise_teaches_nothing() -> None:
    """Captures no louder than the noise floor leave the weights at zero."""
    predictor = EnvelopePredictor(BANDS)
    noise = np.full(BANDS, 0.02, np.float32)
    for sent in _far_end(60):
        predicted = predictor.predict(sent)
        assert not predicted.any()
        predictor.learn(noise, noise, predicted)


def test_a_loud_caller_hardly_moves_what_was_learnt() -> None:
    """200 ms of double-talk 20 dB over the echo raise later predictions by a few dB at most."""
    far_end = _far_end(700)
    capture = _echo(far_end)[:700]
    calm, disturbed = EnvelopePredictor(BANDS), EnvelopePredictor(BANDS)
    loud = capture.copy()
    loud[600:610] += 100 * capture.mean()
    before = _teach(calm, far_end, capture)
    after = _teach(disturbed, far_end, loud)
    np.testing.assert_array_equal(before[:600], after[:600])
    assert after[610:700].sum() < 3 * before[610:700].sum()


def test_predictions_are_finite_and_never_negative_whatever_comes() -> None:
    """Powers from nothing to enormous, in any order, leave sane predictions."""
    generator = np.random.default_rng(3)
    predictor = EnvelopePredictor(BANDS)
    for _ in range(500):
        sent, heard = (10.0 ** generator.uniform(-12, 2, (2, BANDS))).astype(np.float32)
        sent *= generator.random() > 0.3
        predicted = predictor.predict(sent)
        assert np.isfinite(predicted).all()
        assert (predicted >= 0).all()
        predictor.learn(heard, NO_NOISE, predicted)


def test_forgetting_the_far_end_keeps_the_path_and_reset_does_not() -> None:
    """Without far end there is no echo; sent anew it is predicted again, until a reset."""
    far_end = _far_end(600)
    predictor = EnvelopePredictor(BANDS)
    _teach(predictor, far_end, _echo(far_end))
    predictor.forget_far_end()
    assert not predictor.predict(NO_NOISE).any()
    later = [predictor.predict(sent) for sent in _far_end(40, seed=1)]
    assert np.sum(later) == pytest.approx(0.1 * _far_end(40, seed=1)[:31].sum(), rel=0.5)
    predictor.reset()
    assert not any(predictor.predict(sent).any() for sent in _far_end(40))
