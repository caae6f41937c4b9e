"""Seeded builders of test signals: int16 [shape=(n,), mono], 8 kHz unless said otherwise.

Levels are RMS over the whole signal in dBFS, where 0 is a full-scale square wave. The same
arguments give the same samples.
"""

from __future__ import annotations

__all__ = ["at_level", "frames_of", "silence", "speech_like", "tone", "white_noise"]

import numpy as np
from numpy.typing import NDArray

from voxgate.core.audio import FRAME_MS
from voxgate.core.units import dbfs_to_rms, ms_to_samples

Signal = NDArray[np.int16]
Float = NDArray[np.float64]


def silence(duration_ms: float, *, rate_hz: int = 8000) -> Signal:
    """Return digital silence."""
    return np.zeros(ms_to_samples(duration_ms, rate_hz), np.int16)


def tone(
    duration_ms: float, frequency_hz: float, *, level_dbfs: float = -20.0, rate_hz: int = 8000
) -> Signal:
    """Return a sine that begins at phase zero."""
    n_samples = ms_to_samples(duration_ms, rate_hz)
    phase = 2 * np.pi * frequency_hz * np.arange(n_samples) / rate_hz
    return at_level(np.sin(phase), level_dbfs)


def white_noise(
    duration_ms: float, *, level_dbfs: float = -40.0, seed: int = 0, rate_hz: int = 8000
) -> Signal:
    """Return Gaussian noise."""
    generator = np.random.default_rng(seed)
    return at_level(generator.standard_normal(ms_to_samples(duration_ms, rate_hz)), level_dbfs)


def speech_like(
    duration_ms: float, *, level_dbfs: float = -22.0, seed: int = 0, rate_hz: int = 8000
) -> Signal:
    """Return syllables: a gliding harmonic sound with three formants, then a short hiss, no pauses.

    WebRTC VAD in mode 3 calls nearly every 20 ms frame of it speech; a test holds it to that.
    """
    generator = np.random.default_rng(seed)
    n_samples = ms_to_samples(duration_ms, rate_hz)
    parts: list[Float] = []
    n_built = 0
    while n_built < n_samples:
        vowel = _vowel(generator, ms_to_samples(generator.uniform(140, 260), rate_hz), rate_hz)
        hiss = _hiss(generator, ms_to_samples(generator.uniform(30, 60), rate_hz))
        parts += [vowel, hiss]
        n_built += len(vowel) + len(hiss)
    return at_level(np.concatenate([np.zeros(0), *parts])[:n_samples], level_dbfs)


def at_level(wave: NDArray[np.floating], level_dbfs: float) -> Signal:
    """Return a wave of any scale at a level, as int16; what does not fit is clipped."""
    wave_rms = float(np.sqrt(np.mean(np.square(wave)))) if wave.size else 0.0
    gain = dbfs_to_rms(level_dbfs) / wave_rms if wave_rms else 0.0
    return np.clip(np.round(wave * gain), -32768, 32767).astype(np.int16)


def frames_of(samples: Signal, *, rate_hz: int = 8000) -> list[bytes]:
    """Return the whole 20 ms frames of a signal as PCM16 bytes; an incomplete tail is left out."""
    frame_samples = ms_to_samples(FRAME_MS, rate_hz)
    whole = len(samples) // frame_samples * frame_samples
    return [
        samples[at : at + frame_samples].astype("<i2").tobytes()
        for at in range(0, whole, frame_samples)
    ]


def _vowel(generator: np.random.Generator, n_samples: int, rate_hz: int) -> Float:
    """Return harmonics of a gliding pitch under a formant envelope, faded at both ends."""
    pitch_hz = generator.uniform(95, 190) * np.linspace(
        1.0, generator.uniform(0.85, 1.15), n_samples
    )
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    formants_hz = generator.uniform((300, 900, 2200), (800, 1900, 2900))
    n_harmonics = int(min(3700, rate_hz * 0.46) / pitch_hz.max())
    wave = np.zeros(n_samples)
    for harmonic in range(1, n_harmonics + 1):
        distance = (harmonic * pitch_hz.mean() - formants_hz) / np.array((90.0, 130.0, 180.0))
        gain = np.sum(np.array((1.0, 0.5, 0.25)) / (1 + distance**2)) + 0.02
        wave += gain * np.sin(harmonic * phase + generator.uniform(0, 2 * np.pi))
    edge = np.minimum(1.0, np.arange(n_samples) / (0.02 * rate_hz))
    return _unit(wave) * edge * edge[::-1]


def _hiss(generator: np.random.Generator, n_samples: int) -> Float:
    """Return a fricative: high-passed noise, 14 dB below the vowels."""
    noise = np.diff(generator.standard_normal(n_samples + 1))
    return _unit(noise) * 0.2


def _unit(wave: Float) -> Float:
    return wave / float(np.sqrt(np.mean(np.square(wave))) or 1.0)
