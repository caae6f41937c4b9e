"""The spectrogram of a call's capture, as a picture file of bounded size.

Invariant: the picture's width is the length of the call, its height all of the line's band.
"""

from __future__ import annotations

__all__ = ["spectrogram", "spectrogram_png"]

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

_WINDOW_MS = 32
"""Tells the harmonics of a voice, and its syllables."""
_MAX_COLUMNS = 2400
_FLOOR_DB, _RANGE_DB = -90.0, 68.0
"""Of full scale, per bin: what is at the floor is black, so much above it white."""


def spectrogram(
    samples: NDArray[np.int16], rate_hz: int, *, max_columns: int = _MAX_COLUMNS
) -> NDArray[np.float32]:
    """Return levels over frequency and time, low frequencies first.

    Of a long call each column shows one window of those that it stands for.

    Args:
        samples: int16 [shape=(n,), mono, rate_hz].
        rate_hz: Of the samples.
        max_columns: Columns at most.

    Returns:
        float32 [shape=(bins, columns)], 0 (silence) to 1 (loud).
    """
    n_window = rate_hz * _WINDOW_MS // 1000
    if len(samples) < n_window:
        samples = np.pad(samples, (0, n_window - len(samples)))
    n_columns = int(min(max_columns, max(1, (len(samples) - n_window) // (n_window // 2))))
    starts = np.linspace(0, len(samples) - n_window, n_columns).astype(np.intp)
    window = np.hanning(n_window).astype(np.float32)
    levels = np.empty((n_window // 2 + 1, n_columns), np.float32)
    for column, start in enumerate(starts):
        piece = samples[start : start + n_window] / np.float32(32768)
        power = np.abs(np.fft.rfft(piece * window)) ** 2 / window.sum() ** 2
        levels[:, column] = 10 * np.log10(power + 1e-12)
    shares: NDArray[np.float32] = np.clip((levels - _FLOOR_DB) / _RANGE_DB, 0, 1)
    return shares


def spectrogram_png(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    """Return the spectrogram as a PNG, low frequencies at the bottom.

    Raises:
        ModuleNotFoundError: matplotlib is not installed (extra ``bench``).
    """
    from matplotlib.image import imsave

    out = BytesIO()
    levels = (spectrogram(samples, rate_hz) * 255).astype(np.uint8)
    imsave(out, levels, cmap="magma", vmin=0, vmax=255, origin="lower", format="png")
    return out.getvalue()
