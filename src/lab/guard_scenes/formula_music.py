"""Music by formula: chords, melodies, basses and drums that no corpus holds all kinds of.

Invariant: active parts are at 0 dBFS.
"""

from __future__ import annotations

__all__ = ["make_music"]

import numpy as np
import numpy.typing as npt

from ..scenarios.signals import RATE_HZ, Audio, Rng, scale_to_dbfs

FloatArray = npt.NDArray[np.float64]

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))
"""Major, minor and two of five notes, in semitones over the key."""
_HIGHEST_HZ = 3700.0


def make_music(rng: Rng, length: int) -> Audio:
    """Return one to four parts that play together, float32 [shape=(length,)]."""
    beat_s = 60.0 / rng.uniform(50, 180)
    key_hz, scale = 110.0 * 2 ** rng.uniform(0, 1), _SCALES[int(rng.integers(len(_SCALES)))]
    out = np.zeros(length)
    for _ in range(int(rng.integers(1, 4))):
        out += 10 ** (rng.uniform(-12, 0) / 20) * _part(rng, length, beat_s, key_hz, scale)
    if rng.random() < 0.4:
        out += 10 ** (rng.uniform(-15, 3) / 20) * _drums(rng, length, beat_s)
    return scale_to_dbfs(np.asarray(out, np.float32), 0.0)


def _part(
    rng: Rng, length: int, beat_s: float, key_hz: float, scale: tuple[int, ...]
) -> FloatArray:
    """Return one instrument: single notes or chords, held or struck, at about unit level."""
    n_voices = int(rng.integers(1, 5))
    octave = int(rng.integers(-1, 3))
    step_beats = float(rng.choice((0.25, 0.5, 1.0, 2.0, 4.0)))
    is_struck = rng.random() < 0.5
    slope = rng.uniform(0.5, 2.5)
    vibrato_hz, vibrato = rng.uniform(4, 7), rng.uniform(0, 0.012) * (rng.random() < 0.4)
    fall_s = rng.uniform(0.1, 1.5)
    out = np.zeros(length)
    at_s = 0.0
    while at_s * RATE_HZ < length:
        start = int(at_s * RATE_HZ)
        lasts_s = step_beats * beat_s
        count = min(length - start, int((lasts_s * rng.uniform(0.7, 1.1)) * RATE_HZ))
        at_s += lasts_s
        if count < RATE_HZ // 50 or rng.random() < 0.12:
            continue
        t_s = np.arange(count) / RATE_HZ
        rise = np.minimum(t_s / rng.uniform(0.005, 0.08), 1.0)
        end = np.minimum((count / RATE_HZ - t_s) / 0.02, 1.0)
        course = rise * end * (np.exp(-t_s / fall_s) if is_struck else 1.0)
        for _ in range(n_voices):
            semitones = scale[int(rng.integers(len(scale)))] + 12 * octave
            pitch_hz = key_hz * 2 ** (semitones / 12)
            phase = pitch_hz * (t_s + vibrato * np.sin(2 * np.pi * vibrato_hz * t_s) / vibrato_hz)
            for n in range(1, min(12, int(_HIGHEST_HZ / pitch_hz)) + 1):
                turn = 2 * np.pi * (n * phase + rng.random())
                out[start : start + count] += course / n**slope * np.sin(turn)
    return np.asarray(out / (np.sqrt(np.mean(out**2)) + 1e-9))


def _drums(rng: Rng, length: int, beat_s: float) -> FloatArray:
    """Return hits on and between the beats, at about unit level."""
    out = np.zeros(length)
    at_s = 0.0
    while at_s * RATE_HZ < length:
        start = int(at_s * RATE_HZ)
        count = min(length - start, int(rng.uniform(0.05, 0.25) * RATE_HZ))
        t_s = np.arange(count) / RATE_HZ
        fall = np.exp(-t_s / rng.uniform(0.01, 0.06))
        drum = np.sin(2 * np.pi * rng.uniform(60, 200) * t_s * np.exp(-t_s / 0.1))
        hiss = rng.normal(size=count)
        out[start : start + count] += fall * (rng.uniform(0, 2) * drum + rng.uniform(0, 1) * hiss)
        at_s += beat_s * float(rng.choice((0.25, 0.5, 0.5, 1.0)))
    return np.asarray(out / (np.sqrt(np.mean(out**2)) + 1e-9))
