"""The echo filter: how much it takes away, that it adds nothing, and that nothing breaks it."""

from __future__ import annotations

import numpy as np
import pytest

from support.echo_scenes import caller_frames, echo_of, frame_rows, mix
from support.signals import silence, speech_like, white_noise
from voxgate.core.echo.kalman_filter import EchoEstimate, KalmanEchoFilter

LOUD = np.float32(1.0 / 32768.0)


def _unit(frames: np.ndarray) -> np.ndarray:
    return frames.astype(np.float32) * LOUD


def _run(
    echo_filter: KalmanEchoFilter, far_end: np.ndarray, capture: np.ndarray
) -> list[EchoEstimate]:
    estimates = []
    for sent, heard in zip(_unit(far_end), _unit(capture), strict=True):
        echo_filter.receive_far_end(sent)
        estimates.append(echo_filter.process(heard))
    return estimates


def _erle_db(capture: np.ndarray, estimates: list[EchoEstimate]) -> float:
    residual = np.array([estimate.residual for estimate in estimates])
    return float(10 * np.log10(np.sum(_unit(capture) ** 2) / np.sum(residual**2)))


def _speech(duration_ms: int, seed: int = 1) -> np.ndarray:
    return frame_rows(speech_like(duration_ms, level_dbfs=-18.0, seed=seed))


@pytest.mark.parametrize("delay_ms", [40, 160, 640])
def test_a_steady_echo_is_reduced_by_more_than_10_db(delay_ms: int) -> None:
    """Within 6 s, at any delay inside the span, without being told the delay."""
    far_end = _speech(8_000)
    capture = mix(
        echo_of(far_end, delay_ms=delay_ms),
        frame_rows(white_noise(8_000, level_dbfs=-65.0)),
    )
    estimates = _run(KalmanEchoFilter(), far_end, capture)
    assert _erle_db(capture[300:], estimates[300:]) > 10.0


@pytest.mark.parametrize("delay_ms", [60, 160, 500])
def test_the_delay_of_the_echo_is_found(delay_ms: int) -> None:
    """To within a frame, as the strongest part of the path lies behind its beginning."""
    far_end = _speech(4_000)
    echo_filter = KalmanEchoFilter()
    assert echo_filter.delay_ms is None
    _run(echo_filter, far_end, echo_of(far_end, delay_ms=delay_ms))
    assert echo_filter.delay_ms == pytest.approx(delay_ms, abs=20)


@pytest.mark.parametrize("seed", range(3))
def test_echo_is_not_added_while_the_path_is_learnt(seed: int) -> None:
    """From the first second on, no second has more energy after the filter than before."""
    far_end = _speech(6_000, seed)
    capture = echo_of(far_end, seed=seed)
    estimates = _run(KalmanEchoFilter(), far_end, capture)
    for at in range(0, 300, 50):
        assert _erle_db(capture[at : at + 50], estimates[at : at + 50]) > -0.5


def test_a_caller_without_echo_passes_unharmed() -> None:
    """Speech unrelated to the far end loses and gains less than 1.5 dB."""
    caller = caller_frames("question")[:200]
    far_end = _speech(20 * len(caller))
    noise = frame_rows(white_noise(20 * len(caller), level_dbfs=-60.0))
    capture = mix(caller, noise)
    estimates = _run(KalmanEchoFilter(), far_end, capture)
    assert abs(_erle_db(capture, estimates)) < 1.5


def test_a_lost_capture_teaches_nothing() -> None:
    """All-zero frames leave the path as it is, to the bit."""
    far_end = _speech(3_000)
    echo_filter = KalmanEchoFilter()
    _run(echo_filter, far_end, echo_of(far_end))
    path = echo_filter.partition_energy.copy()
    weights = echo_filter._weights.copy()
    _run(echo_filter, _speech(1_000, 2), np.zeros((50, 160), np.int16))
    np.testing.assert_array_equal(echo_filter.partition_energy, path)
    np.testing.assert_array_equal(echo_filter._weights, weights)


def test_without_far_end_the_capture_passes_as_it_is() -> None:
    """Silent for longer than its span, the filter is idle: no echo, no learning; then it wakes."""
    echo_filter = KalmanEchoFilter()
    capture = frame_rows(white_noise(200))
    for estimate, heard in zip(
        _run(echo_filter, np.zeros_like(capture), capture), _unit(capture), strict=True
    ):
        assert not estimate.is_adapting
        assert not estimate.echo.any()
        np.testing.assert_array_equal(estimate.residual, heard)
    far_end = np.concatenate([_speech(400), np.zeros((60, 160), np.int16)])
    estimates = _run(echo_filter, far_end, echo_of(far_end))
    is_adapting = [estimate.is_adapting for estimate in estimates]
    assert all(is_adapting[1:60])
    assert not any(is_adapting[70:])
    assert echo_filter.is_idle


def test_far_end_that_was_long_ago_leaves_no_echo_behind() -> None:
    """After a pause longer than the span, a new turn begins with an empty history."""
    echo_filter = KalmanEchoFilter()
    far_end = _speech(3_000)
    _run(echo_filter, far_end, echo_of(far_end))
    _run(echo_filter, frame_rows(silence(2_000)), frame_rows(white_noise(2_000)))
    assert not echo_filter._ring[echo_filter._position :][:45].any()


def _hostile(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """60 s in spells of up to 2 s: full-scale noise, clipping, path jumps, silence, constants."""
    generator = np.random.default_rng(seed)
    far_end, capture = [], []
    while sum(map(len, far_end)) < 3_000:
        n_frames = int(generator.integers(1, 100))
        noise = generator.uniform(-32768, 32767, (2, n_frames, 160)).astype(np.int16)
        square = np.where(noise > 0, 32767, -32768).astype(np.int16)
        constant = np.full_like(noise, -32768)
        sent = (noise[0], square[0], constant[0], 0 * noise[0], noise[0] // 300)
        far_end.append(sent[generator.integers(len(sent))])
        gain, shift = generator.choice([-30.0, -1.0, 0.1, 1.0, 30.0]), generator.integers(0, 8000)
        jumped = mix(np.roll(far_end[-1].ravel(), shift).reshape(-1, 160) * gain)
        heard = (noise[1], square[1], constant[1], 0 * noise[1], jumped, jumped)
        capture.append(heard[generator.integers(len(heard))])
    return np.concatenate(far_end)[:3_000], np.concatenate(capture)[:3_000]


@pytest.mark.parametrize("seed", range(2))
def test_a_minute_of_hostile_input_leaves_it_finite_and_able_to_learn(seed: int) -> None:
    """No overflow, no NaN, no runaway path; a real echo afterwards is reduced again."""
    far_end, capture = _hostile(seed)
    echo_filter = KalmanEchoFilter()
    for estimate in _run(echo_filter, far_end, capture):
        assert np.isfinite(estimate.residual).all()
        assert np.isfinite(estimate.uncertainty).all()
        assert (estimate.uncertainty >= 0).all()
        assert np.abs(estimate.residual).max() < 100.0
    assert np.isfinite(echo_filter.partition_energy).all()
    assert (echo_filter._variance >= 0).all()
    far_end = _speech(12_000)
    capture = echo_of(far_end)
    estimates = _run(echo_filter, far_end, capture)
    assert _erle_db(capture[500:], estimates[500:]) > 3.0


def test_the_same_frames_give_the_same_estimates_also_after_a_reset() -> None:
    """To the bit: state is in the filter and reset clears all of it."""
    far_end = _speech(1_500)
    capture = mix(echo_of(far_end), frame_rows(white_noise(1_500)))
    used = KalmanEchoFilter()
    first = _run(used, far_end, capture)
    used.reset()
    again, fresh = _run(used, far_end, capture), _run(KalmanEchoFilter(), far_end, capture)
    for one, two, three in zip(first, again, fresh, strict=True):
        np.testing.assert_array_equal(one.residual, two.residual)
        np.testing.assert_array_equal(one.residual, three.residual)
    assert used.delay_ms == pytest.approx(160, abs=20)


def test_reported_spectrum_is_that_of_the_last_two_far_end_frames() -> None:
    """Parseval: its sum is the energy of 320 samples."""
    echo_filter = KalmanEchoFilter()
    far_end = _unit(_speech(200))
    for sent in far_end:
        echo_filter.receive_far_end(sent)
    power = echo_filter.far_end_power
    energy = (2 * power.sum() - power[0] - power[-1]) / 320
    assert energy == pytest.approx(float(np.sum(far_end[-2:] ** 2)), rel=1e-3)


def test_estimate_plus_residual_is_the_capture() -> None:
    """Nothing is lost between the two."""
    far_end = _speech(1_000)
    capture = echo_of(far_end)
    for estimate, heard in zip(
        _run(KalmanEchoFilter(), far_end, capture), _unit(capture), strict=True
    ):
        np.testing.assert_allclose(estimate.echo + estimate.residual, heard, atol=1e-6)
