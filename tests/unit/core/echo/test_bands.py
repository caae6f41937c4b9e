"""Band powers: where a tone falls, the scale they share, pitch."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import speech_like, tone, white_noise
from voxgate.core.echo.bands import BAND_COUNT, BAND_EDGES_HZ, BandAnalyzer, decibels

SILENCE = np.zeros(160, np.float32)


def _unit_frames(samples: np.ndarray) -> np.ndarray:
    return (samples.astype(np.float32) / 32768.0).reshape(-1, 160)


@pytest.mark.parametrize("band", range(BAND_COUNT))
def test_a_tone_falls_into_its_band(band: int) -> None:
    """A sine in the middle of a band holds more power there than in all bands out of its reach."""
    middle_hz = (BAND_EDGES_HZ[band] + BAND_EDGES_HZ[band + 1]) / 2
    analyzer = BandAnalyzer()
    for frame in _unit_frames(tone(100, middle_hz)):
        power = analyzer.analyze_one(frame)
    assert int(power.argmax()) == band
    assert power[band] > 0.9 * power.sum()


def test_the_powers_of_noise_add_up_to_its_mean_square() -> None:
    """The bands cover 80..3900 Hz, so white noise shows 95 % of its power, on the same scale."""
    frames = _unit_frames(white_noise(4000, level_dbfs=-20.0))
    analyzer = BandAnalyzer()
    total = np.mean([analyzer.analyze_one(frame).sum() for frame in frames])
    covered = (BAND_EDGES_HZ[-1] - BAND_EDGES_HZ[0]) / 4000
    assert total == pytest.approx(covered * np.mean(frames**2), rel=0.05)


def test_residual_echo_and_their_sum_are_analysed_alike() -> None:
    """Three rows at once are what three analyses of one signal each give."""
    residual = _unit_frames(speech_like(200, seed=1))
    echo = _unit_frames(white_noise(200, seed=2))
    together, apart = BandAnalyzer(), [BandAnalyzer() for _ in range(3)]
    for e, y in zip(residual, echo, strict=True):
        rows = together.analyze(e, y)
        singles = [a.analyze_one(x) for a, x in zip(apart, (e, y, e + y), strict=True)]
        np.testing.assert_allclose(rows, np.stack(singles), rtol=1e-3, atol=1e-9)


def test_spectra_of_rectangular_windows_come_out_on_the_same_scale() -> None:
    """Noise of one power gives the same band powers through either window."""
    frames = _unit_frames(white_noise(4000, level_dbfs=-20.0))
    analyzer = BandAnalyzer()
    windowed = np.mean([analyzer.analyze_one(frame) for frame in frames], axis=0)
    blocks = frames[: len(frames) // 2 * 2].reshape(-1, 320)
    power = np.abs(np.fft.rfft(blocks, axis=1)).astype(np.float32) ** 2
    rectangular = analyzer.from_spectra(power).mean(axis=0)
    np.testing.assert_allclose(rectangular.sum(), windowed.sum(), rtol=0.05)


def test_pitch_is_found_in_a_harmonic_sound_and_not_in_noise_or_silence() -> None:
    """100 Hz is a period of 80 samples with harmonicity near 1; noise has little, silence none."""
    analyzer = BandAnalyzer()
    time_s = np.arange(800) / 8000
    voice = sum(np.sin(2 * np.pi * 100 * k * time_s) for k in range(1, 8)) / 20
    for frame in np.asarray(voice, np.float32).reshape(-1, 160):
        analyzer.analyze_one(frame)
    harmonicity, period = analyzer.measure_pitch()
    assert harmonicity > 0.9
    assert period == pytest.approx(80, abs=1)
    found = []
    for frame in _unit_frames(white_noise(1000, level_dbfs=-20.0)):
        analyzer.analyze_one(frame)
        found.append(analyzer.measure_pitch()[0])
    assert np.median(found) < 0.5
    for _ in range(2):
        analyzer.analyze_one(SILENCE)
    assert analyzer.measure_pitch() == (0.0, 0.0)


def test_reset_forgets_the_frame_before() -> None:
    """After a reset the analysis of a frame is that of a new analyzer."""
    frame = _unit_frames(white_noise(20))[0]
    used = BandAnalyzer()
    used.analyze(frame, frame)
    used.reset()
    np.testing.assert_array_equal(used.analyze_one(frame), BandAnalyzer().analyze_one(frame))


def test_decibels_end_at_a_floor() -> None:
    """No power is -100 dB rather than minus infinity."""
    levels = decibels(np.array([1.0, 0.01, 0.0], np.float32))
    np.testing.assert_allclose(levels, [0.0, -20.0, -100.0], atol=1e-4)
