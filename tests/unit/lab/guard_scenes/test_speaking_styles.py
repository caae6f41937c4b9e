"""Long vowels and laughs made of a voice's own samples."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.guard_scenes.speaking_styles import hold_vowel, repeat_syllable

RATE_HZ = 8000


def vowel(duration_s: float = 0.5, pitch_hz: float = 125.0) -> np.ndarray:
    """Return a steady vowel between silences."""
    t_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * n * pitch_hz * t_s) / n for n in range(1, 12))
    rest = np.zeros(RATE_HZ // 5)
    return np.concatenate((rest, 0.1 * wave, rest)).astype(np.float32)


def strongest_hz(samples: np.ndarray) -> float:
    """Return the frequency of the strongest line."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return float(np.argmax(power)) * RATE_HZ / len(samples)


@pytest.mark.parametrize("seed", range(5))
def test_a_vowel_is_held_at_its_pitch(seed: int) -> None:
    """0.4 to 1.6 s more of the same note, about as loud, and nothing of the rest is lost."""
    speech = vowel()
    held = hold_vowel(np.random.default_rng(seed), speech)
    assert 0.35 <= (len(held) - len(speech)) / RATE_HZ <= 1.7
    middle = held[len(held) // 2 - 1000 : len(held) // 2 + 1000]
    assert strongest_hz(middle) == pytest.approx(125.0, rel=0.05)
    assert np.abs(held).max() < 1.6 * np.abs(speech).max()
    assert np.array_equal(held[:1600], speech[:1600])
    assert np.array_equal(held[-1600:], speech[-1600:])


@pytest.mark.parametrize("seed", range(5))
def test_a_syllable_comes_again(seed: int) -> None:
    """Two times and more, with the level of the first or below it."""
    speech = vowel(1.0)
    laugh = repeat_syllable(np.random.default_rng(seed), speech)
    assert len(laugh) - len(speech) >= 2 * 0.1 * RATE_HZ
    assert np.abs(laugh).max() <= np.abs(speech).max() + 1e-6


@pytest.mark.parametrize("style", [hold_vowel, repeat_syllable])
def test_without_a_voice_nothing_happens(style) -> None:
    """Noise, and what is too short, stays as it is."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=RATE_HZ).astype(np.float32)
    assert style(rng, noise) is noise
    short = vowel(0.05)[1600:2000]
    assert style(rng, short) is short
