"""What the simulation does to any signal."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.scenarios.signals import RATE_HZ, convolve, scale_to_dbfs, shape_spectrum


def test_convolution_is_causal_and_as_long_as_the_signal() -> None:
    """An impulse at sample 3 of the response moves the signal by three samples."""
    signal = np.arange(1.0, 6.0)
    response = np.array([0.0, 0.0, 0.0, 2.0])
    assert convolve(signal, response) == pytest.approx([0, 0, 0, 2, 4], abs=1e-6)


def test_a_gain_curve_weakens_what_it_says() -> None:
    """0 dB at 500 Hz and -40 dB at 3 kHz, to within a dB."""
    t_s = np.arange(RATE_HZ) / RATE_HZ
    levels = []
    for frequency_hz in (500, 3000):
        wave = np.sin(2 * np.pi * frequency_hz * t_s)
        shaped = shape_spectrum(wave, [100, 500, 1000, 3000, 4000], [0, 0, 0, -40, -40])
        levels.append(20 * np.log10(np.std(shaped[800:-800]) / np.std(wave)))
    assert levels == pytest.approx([0.0, -40.0], abs=1.0)


def test_the_level_is_that_of_the_active_frames() -> None:
    """Silence around a sound does not make it louder."""
    sound = np.concatenate([np.zeros(RATE_HZ), np.full(RATE_HZ, 0.5), np.zeros(RATE_HZ)])
    scaled = scale_to_dbfs(sound, -20.0)
    assert scaled[RATE_HZ : 2 * RATE_HZ] == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("length", [0, 159, 400])
def test_silence_stays_silence(length: int) -> None:
    """Nothing is blown up, and nothing is divided by zero."""
    assert not np.any(scale_to_dbfs(np.zeros(length), -20.0))
