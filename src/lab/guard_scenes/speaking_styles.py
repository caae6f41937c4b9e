"""What callers do that read clips hardly hold: long vowels, laughs, stammered syllables.

A hesitation ("ehhh") is as steady as a note, and a laugh as rhythmic as a drum. Invariant: the
samples are the voice's own, only longer or again, so that the voice stays a voice.
"""

from __future__ import annotations

__all__ = ["hold_vowel", "repeat_syllable"]

import numpy as np

from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng

_LAGS = slice(20, 130)
"""Periods of 62..400 Hz, in samples."""
_VOICED = 0.6
"""Normalised autocorrelation from which two frames hold a vowel."""
_FEWEST_SAMPLES = 8 * FRAME_SAMPLES


def hold_vowel(rng: Rng, audio: Audio) -> Audio:
    """Return speech in which one vowel is held for 0.4 to 1.6 s, float32 [shape=(m,)].

    Period after period is laid over the last with a fade, now a little longer and now shorter, as
    no voice holds its pitch exactly. Speech without a voiced part comes back as it was.
    """
    found = _voiced_places(audio)
    if len(found) == 0:
        return audio
    at = int(found[int(rng.integers(len(found)))]) * FRAME_SAMPLES
    period = _period_at(audio, at)
    cycle = audio[at : at + 2 * period]
    count = int(rng.uniform(0.4, 1.6) * RATE_HZ / period)
    fade = np.linspace(0.0, 1.0, period, dtype=np.float32)
    held: Audio = np.zeros((count + 2) * (period + 3), np.float32)
    place, drift, loudness = 0, 0.0, 1.0
    for _ in range(count):
        drift = 0.9 * drift + 0.4 * rng.normal()
        loudness = min(max(loudness + 0.03 * rng.normal(), 0.5), 1.3)
        held[place : place + period] += (loudness * cycle[:period] * fade).astype(np.float32)
        held[place + period : place + 2 * period] += loudness * cycle[period:] * fade[::-1]
        place += period + round(min(max(drift, -2.0), 2.0))
    return np.concatenate((audio[:at], held[: place + period], audio[at:]))


def repeat_syllable(rng: Rng, audio: Audio) -> Audio:
    """Return speech in which 100 to 250 ms come again 2 to 7 times, float32 [shape=(m,)].

    Three to eight a second and ever softer, as in laughter ("ha ha ha"), or at once.
    """
    found = _voiced_places(audio)
    if len(found) == 0:
        return audio
    start = int(found[int(rng.integers(len(found)))]) * FRAME_SAMPLES
    start = max(0, start - 2 * FRAME_SAMPLES)
    syllable = audio[start : start + int(rng.uniform(0.1, 0.25) * RATE_HZ)].copy()
    edge = min(80, len(syllable) // 4)
    syllable[:edge] *= np.linspace(0, 1, edge)
    syllable[-edge:] *= np.linspace(1, 0, edge)
    gap: Audio = np.zeros(int(rng.uniform(0.0, 0.12) * RATE_HZ), np.float32)
    softer = rng.uniform(0.8, 1.0)
    again = [part for n in range(int(rng.integers(2, 8))) for part in (softer**n * syllable, gap)]
    return np.concatenate((audio[:start], *again, audio[start:])).astype(np.float32)


def _voiced_places(audio: Audio) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the numbers of the loud frames in which a vowel sounds."""
    count = len(audio) // FRAME_SAMPLES - 3
    if len(audio) < _FEWEST_SAMPLES:
        return np.zeros(0, np.intp)
    frames = audio[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    power = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(power > 0.2 * power.max())
    return np.asarray(
        [n for n in loud if _periodicity(audio, int(n) * FRAME_SAMPLES)[1] >= _VOICED], np.intp
    )


def _period_at(audio: Audio, at: int) -> int:
    return _periodicity(audio, at)[0]


def _periodicity(audio: Audio, at: int) -> tuple[int, float]:
    """Return the period in samples of 40 ms of sound, and how alike its periods are, 0..1."""
    window = audio[at : at + 2 * FRAME_SAMPLES]
    best = (_LAGS.start, 0.0)
    for lag in range(_LAGS.start, _LAGS.stop):
        one, other = window[:-lag], window[lag:]
        norm = float(np.sqrt((one @ one) * (other @ other))) + 1e-12
        alike = float(one @ other) / norm
        if alike > best[1]:
            best = (lag, alike)
    return best
