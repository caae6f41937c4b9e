"""Band powers: where a tone falls, the scale they share, pitch."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import speech_like, tone, white_noise
from voxgate.core.echo.bands import BAND_COUNT, BAND_EDGES_HZ, WHOLE, measure_pitch, sum_bands

WINDOW = np.hanning(321)[:-1]


def _unit_blocks(samples: np.ndarray) -> np.ndarray:
    return (samples.astype(np.float32) / 32768.0).reshape(-1, 320)


def _power(blocks: np.ndarray, window: np.ndarray | float = 1.0) -> np.ndarray:
    return (np.abs(np.fft.rfft(blocks * window, axis=1)) ** 2).astype(np.float32)


@pytest.mark.parametrize("band", range(WHOLE))
def test_a_tone_falls_into_its_band(band: int) -> None:
    """A sine in the middle of a band holds more power there than in all bands out of its reach."""
    middle_hz = (BAND_EDGES_HZ[band] + BAND_EDGES_HZ[band + 1]) / 2
    power = sum_bands(_power(_unit_blocks(tone(40, middle_hz)), WINDOW))[0]
    assert int(power[:WHOLE].argmax()) == band
    assert power[band] > 0.9 * power[WHOLE]


def test_the_whole_is_the_sum_and_the_mean_square_of_what_the_bands_cover() -> None:
    """They cover 80..3900 Hz, so white noise shows 95 % of its power."""
    blocks = _unit_blocks(white_noise(4000, level_dbfs=-20.0))
    power = sum_bands(_power(blocks))
    assert power.shape == (100, BAND_COUNT)
    np.testing.assert_allclose(power[:, WHOLE], power[:, :WHOLE].sum(axis=1), rtol=1e-5)
    covered = (BAND_EDGES_HZ[-1] - BAND_EDGES_HZ[0]) / 4000
    assert power[:, WHOLE].mean() == pytest.approx(covered * np.mean(blocks**2), rel=0.05)


def test_pitch_is_found_in_a_harmonic_sound_and_not_in_noise_or_silence() -> None:
    """100 Hz is a period of 80 samples with harmonicity near 1; noise has little, silence none."""
    time_s = np.arange(320) / 8000
    voice = sum(np.sin(2 * np.pi * 100 * k * time_s) for k in range(1, 8)) / 20
    harmonicity, period = measure_pitch(_autocorrelation(voice))
    assert harmonicity > 0.9
    assert period == pytest.approx(80, abs=1)
    noise = _unit_blocks(white_noise(1000, level_dbfs=-20.0))
    assert np.median([measure_pitch(_autocorrelation(block))[0] for block in noise]) < 0.5
    speech = _unit_blocks(speech_like(1000, seed=1))
    assert all(0 <= measure_pitch(_autocorrelation(block))[0] <= 1.5 for block in speech)
    assert measure_pitch(np.zeros(320, np.float32)) == (0.0, 0.0)


def _autocorrelation(block: np.ndarray) -> np.ndarray:
    return np.fft.irfft(_power(block[np.newaxis], WINDOW)[0]).astype(np.float32)
