"""Voices made of others."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.guard_scenes.voice_variety import VoiceVariety, draw_variety

RATE_HZ = 8000


def vowel(pitch_hz: float = 100.0, formant_hz: float = 1000.0) -> np.ndarray:
    """Return a second of harmonics under one broad formant, between silences."""
    t_s = np.arange(RATE_HZ) / RATE_HZ
    wave = np.zeros(RATE_HZ)
    for n in range(1, 35):
        gain = np.exp(-(((n * pitch_hz - formant_hz) / 400.0) ** 2)) + 0.001
        wave += gain * np.sin(2 * np.pi * n * pitch_hz * t_s)
    rest = np.zeros(RATE_HZ // 4)
    return np.concatenate((rest, 0.1 * wave, rest)).astype(np.float32)


def centre_hz(samples: np.ndarray) -> float:
    """Return the centre of gravity of the power."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(power @ np.fft.rfftfreq(len(samples), 1 / RATE_HZ) / power.sum())


def harmonicity(samples: np.ndarray, pitch_hz: float = 100.0) -> float:
    """Return the autocorrelation at one period over that at none."""
    lag = int(RATE_HZ / pitch_hz)
    return float(samples[:-lag] @ samples[lag:] / (samples @ samples))


def test_the_same_voice_comes_back_as_it_was() -> None:
    """Where nothing is to change, no sample does."""
    voice = vowel()
    assert VoiceVariety().apply(np.random.default_rng(0), voice) == pytest.approx(voice)


@pytest.mark.parametrize("ratio", [0.82, 1.2])
def test_formants_move_and_the_pitch_stays(ratio: float) -> None:
    """The centre of gravity goes with the ratio; the period is the same; silence stays silence."""
    voice = vowel()
    changed = VoiceVariety(formant_ratio=ratio).apply(np.random.default_rng(0), voice)
    assert centre_hz(changed) / centre_hz(voice) == pytest.approx(ratio, rel=0.06)
    assert harmonicity(changed) > 0.9
    assert np.abs(changed[:1500]).max() < 0.02 * np.abs(changed).max()


def test_a_whisper_has_the_formants_and_no_pitch() -> None:
    """Noise in the shape of the voice."""
    voice = vowel()
    whisper = VoiceVariety(is_whispered=True).apply(np.random.default_rng(0), voice)
    assert harmonicity(voice) > 0.9
    assert abs(harmonicity(whisper)) < 0.5
    assert centre_hz(whisper) == pytest.approx(centre_hz(voice), rel=0.15)


def test_effects() -> None:
    """A modulation puts lines between the harmonics; an echo comes after its delay."""
    voice = vowel()
    rng = np.random.default_rng(0)
    robot = VoiceVariety(robot_hz=50.0).apply(rng, voice)
    assert harmonicity(robot, 50.0) > 0.9
    assert harmonicity(robot, 100.0) < -0.9
    echo = VoiceVariety(echo_ms=50.0).apply(rng, voice)
    assert echo[10_000:10_300] == pytest.approx(0.5 * voice[9600:9900], abs=1e-6)


def test_most_callers_keep_a_human_voice() -> None:
    """Of 2,000 drawn: two of three have other formants, few whisper or are machines."""
    drawn = [draw_variety(np.random.default_rng(seed)) for seed in range(2000)]
    assert 0.6 < np.mean([of.formant_ratio != 1.0 for of in drawn]) < 0.8
    assert 0.01 < np.mean([of.is_whispered for of in drawn]) < 0.08
    assert 0.01 < np.mean([of.robot_hz is not None for of in drawn]) < 0.1
