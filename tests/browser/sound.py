"""Whether a sound is in another one, and where."""

from __future__ import annotations

__all__ = ["Found", "Sound", "agent_sentence", "at_8_khz", "find", "recorded_audio", "share_of"]

from base64 import b64decode
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from support.telephone import mulaw_frames
from voxgate.core.resample import Resampler

Sound = NDArray[np.float64]
RATE_HZ = 8000
"""Of everything here: what is compared is telephone speech."""

_PIECE = 4000
_AUDIBLE = 300
"""Level (RMS) of a piece that can be told from another one."""
_SAME = 0.8
"""Likeness of a piece that is there; others come to 0.67 at most, among these voices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best place of a sound in another."""

    at_ms: float
    likeness: float
    """Normalised correlation, 1 for the very sound at any level."""


def agent_sentence(line_id: str) -> Sound:
    """Return a sentence of the agent."""
    return np.frombuffer(b"".join(mulaw_frames(line_id)), "<i2").astype(float)


def share_of(sentence: Sound, heard: Sound) -> float:
    """Return how much of a sentence was heard, 0 to 1, by the half seconds in which it has sound.

    A machine that is too busy for an audio thread tears holes; what is between them counts.
    """
    pieces = [sentence[at : at + _PIECE] for at in range(0, len(sentence) - _PIECE, _PIECE)]
    loud = [piece for piece in pieces if np.sqrt(np.mean(piece**2)) > _AUDIBLE]
    found = [find(piece, heard).likeness > _SAME for piece in loud]
    return sum(found) / len(found)


def recorded_audio(base64: str, rate_hz: int) -> Sound:
    """Return what a page recorded, at 8 kHz."""
    samples = np.frombuffer(b64decode(base64), "<f4")
    return at_8_khz(np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16), rate_hz)


def at_8_khz(samples: NDArray[np.int16], rate_hz: int) -> Sound:
    """Return a sound at another rate."""
    if rate_hz == RATE_HZ:
        return samples.astype(float)
    whole = rate_hz // gcd(rate_hz, RATE_HZ)
    usable = samples[: len(samples) // whole * whole]
    return Resampler(rate_hz, RATE_HZ).process(usable).astype(float)


def find(wanted: Sound, heard: Sound) -> Found:
    """Return where a sound lies best in another that is longer."""
    n = len(wanted)
    if len(heard) < n:
        return Found(at_ms=0.0, likeness=0.0)
    size = 1 << (len(heard) + n).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    products = np.fft.irfft(spectrum, size)[: len(heard) - n + 1]
    energy = np.concatenate([[0.0], np.cumsum(heard**2)])
    levels = np.sqrt(np.maximum(energy[n:] - energy[:-n], 1.0)) * np.linalg.norm(wanted)
    likeness = products / levels
    best = int(np.argmax(likeness))
    return Found(at_ms=best * 1000 / RATE_HZ, likeness=float(likeness[best]))
