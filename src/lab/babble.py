"""Babble: several people who talk in the caller's room, made of a few voices.

Each talker says all sentences of one voice in an order of their own, higher or lower and so faster
or slower than that voice, and the room reverberates. Invariant: the same arguments give the same
babble, and its end leads on to its beginning without a click.
"""

from __future__ import annotations

__all__ = ["make_babble"]

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.audio import G711_RATE_HZ
from ..core.units import dbfs_to_rms, ms_to_samples
from .scenarios.sound_files import resample_to_8_khz

_LOWEST_RATE, _HIGHEST_RATE = 0.82, 1.2
"""How a voice is resampled: between these it still sounds like somebody, and like somebody else."""
_PAUSE_MS = (100, 500)
"""Shortest and longest pause between two sentences of a talker."""
_REVERBERATION_MS = 500
"""Time in which the room's response falls by 60 dB: what ISO 16283-1 refers dwellings to."""

Sentence = npt.NDArray[np.int16]


def make_babble(
    voices: Sequence[Sequence[Sentence]],
    *,
    n_talkers: int,
    level_dbfs: float,
    duration_ms: int = 60_000,
    seed: int = 0,
) -> Sentence:
    """Return babble to be repeated for as long as it is needed.

    Args:
        voices: Sentences of each voice, int16 [shape=(n,), mono, 8 kHz]; the talkers have them in
            turn.
        n_talkers: People who talk, all the time but for short pauses.
        level_dbfs: Level over the whole duration.
        duration_ms: After which it repeats.
        seed: Of orders, pauses, and the room.

    Returns:
        int16 [shape=(n,), mono, 8 kHz].

    Raises:
        ValueError: there is no talker or no sound.
    """
    if n_talkers < 1:
        raise ValueError(f"n_talkers: {n_talkers} is not 1 or more")
    generator = np.random.default_rng(seed)
    n_samples = ms_to_samples(duration_ms, G711_RATE_HZ)
    room = np.zeros(n_samples)
    for number, rate in enumerate(np.linspace(_LOWEST_RATE, _HIGHEST_RATE, n_talkers)):
        room += _talk(voices[number % len(voices)], float(rate), n_samples, generator)
    room = _reverberate(room, generator)
    level = float(np.sqrt(np.mean(room**2)))
    if level == 0:
        raise ValueError("voices: all of them are silent")
    babble = np.round(room * (dbfs_to_rms(level_dbfs) / level))
    return np.clip(babble, -32768, 32767).astype(np.int16)


def _talk(
    sentences: Sequence[Sentence], rate: float, n_samples: int, generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return one talker, who begins anywhere and starts again after the last sentence."""
    pieces = []
    for number in generator.permutation(len(sentences)):
        spoken = resample_to_8_khz(sentences[number], round(G711_RATE_HZ * rate))
        pause_ms = int(generator.integers(*_PAUSE_MS))
        pieces += [spoken, np.zeros(ms_to_samples(pause_ms, G711_RATE_HZ))]
    talk = np.concatenate(pieces)
    return np.resize(np.roll(talk, -int(generator.integers(len(talk)))), n_samples)


def _reverberate(
    sound: npt.NDArray[np.float64], generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return a sound as a room gives it back, what is left at its end at its beginning."""
    n_taps = min(len(sound), ms_to_samples(_REVERBERATION_MS, G711_RATE_HZ))
    response = generator.standard_normal(n_taps) * 10 ** (-3 * np.arange(n_taps) / n_taps)
    spectrum = np.fft.rfft(sound) * np.fft.rfft(response, len(sound))
    return np.fft.irfft(spectrum, len(sound))
