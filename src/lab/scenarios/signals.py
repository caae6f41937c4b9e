"""What the simulation does to any signal: scale, convolve, filter by a gain curve.

Signals are float32 at 8 kHz, +-1 being full scale. Invariant: length in is length out.
"""

from __future__ import annotations

__all__ = [
    "FRAME_SAMPLES",
    "RATE_HZ",
    "Audio",
    "Rng",
    "convolve",
    "scale_to_dbfs",
    "shape_spectrum",
]

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS, G711_RATE_HZ
from ...core.units import ms_to_samples

Rng = np.random.Generator
"""A seeded generator."""
Audio = npt.NDArray[np.floating[Any]]
"""float [shape=(n,), mono, 8 kHz], +-1 being full scale."""

RATE_HZ = G711_RATE_HZ
"""Sample rate of everything simulated, in Hz."""
FRAME_SAMPLES = ms_to_samples(FRAME_MS, RATE_HZ)
"""Samples of a 20 ms frame."""

_ACTIVE_RATIO = 10**-2.5
"""Power of a frame, relative to the loudest, from which it counts as active: 25 dB below it."""


def convolve(signal: Audio, response: Audio) -> Audio:
    """Return the causal part of a convolution, float32 and as long as the signal."""
    count = 1 << int(np.ceil(np.log2(len(signal) + len(response))))
    product = np.fft.rfft(signal, count) * np.fft.rfft(response, count)
    return np.asarray(np.fft.irfft(product, count)[: len(signal)], np.float32)


def shape_spectrum(signal: Audio, points_hz: Sequence[float], gains_db: Sequence[float]) -> Audio:
    """Filter with a gain curve, at zero phase.

    Args:
        signal: What to filter.
        points_hz: Frequencies, rising and above zero.
        gains_db: The gain at each; between them it is linear over the logarithm of frequency.
    """
    count = 1 << int(np.ceil(np.log2(len(signal) + 512)))
    frequency_hz = np.maximum(np.fft.rfftfreq(count, 1.0 / RATE_HZ), 1.0)
    gain_db = np.interp(np.log(frequency_hz), np.log(points_hz), gains_db)
    spectrum = np.fft.rfft(signal, count) * 10 ** (gain_db / 20)
    return np.asarray(np.fft.irfft(spectrum, count)[: len(signal)], np.float32)


def scale_to_dbfs(signal: Audio, dbfs: float) -> Audio:
    """Scale so that the active frames (within 25 dB of the loudest) have a level of ``dbfs``.

    A signal of less than a frame is returned as it is.
    """
    count = len(signal) // FRAME_SAMPLES
    if count == 0:
        return signal
    frames = signal[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    power = np.mean(frames**2, axis=1)
    active = power[power > power.max() * _ACTIVE_RATIO]
    level_dbfs = 10 * np.log10(np.mean(active) + 1e-12) if len(active) else -100.0
    return np.asarray(signal * 10 ** ((dbfs - level_dbfs) / 20), np.float32)
