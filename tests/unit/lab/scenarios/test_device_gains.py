"""Gain control and noise gate of a caller's device."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.scenarios.device_gains import gain_control, noise_gate

SECOND = 8000
NOISE = np.random.default_rng(7).standard_normal(2 * SECOND).astype(np.float32)


def decibels(factors: np.ndarray) -> np.ndarray:
    return 20 * np.log10(factors)


@pytest.mark.parametrize("seed", range(8))
def test_gain_control_brings_loud_and_soft_speech_closer(seed) -> None:
    """Two seconds at -10 and two at -38 dBFS: gains differ the right way, within their range."""
    loud, soft = NOISE * 10 ** (-10 / 20), NOISE * 10 ** (-38 / 20)
    gains = decibels(gain_control(np.concatenate([loud, soft]), np.random.default_rng(seed)))
    assert gains[2 * SECOND - 1] < -0.5
    assert gains[-1] > gains[2 * SECOND - 1]
    assert np.abs(gains).max() <= 12.0 + 1e-3


@pytest.mark.parametrize("seed", range(8))
def test_a_noise_gate_turns_down_only_what_is_soft(seed) -> None:
    """Speech at -20 dBFS keeps its level; noise at -75 dBFS loses 5 dB and more."""
    speech, hiss = NOISE * 0.1, NOISE * 10 ** (-75 / 20)
    gains = decibels(noise_gate(np.concatenate([speech, hiss]), np.random.default_rng(seed)))
    assert np.abs(gains[:SECOND]).max() < 0.1
    assert -20.1 <= gains[-1] < -5.0


@pytest.mark.parametrize("make", [gain_control, noise_gate])
def test_the_generator_decides(make) -> None:
    """The same seed gives the same gains, one for each sample, also of part of a frame."""
    signal = NOISE[:1234]
    once, again = (make(signal, np.random.default_rng(3)) for _ in range(2))
    assert once.shape == (1234,)
    assert np.array_equal(once, again)
    assert len(make(signal[:80], np.random.default_rng(3))) == 80
