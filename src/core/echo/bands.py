"""Band powers of the signals around the echo filter.

One job: sum power spectra into 14 bands and their whole, and find pitch in them. Invariant: all
powers share one scale (mean square of a +-1 signal), whatever window they came from.
"""

from __future__ import annotations

__all__ = ["BAND_COUNT", "BAND_EDGES_HZ", "POWER_FLOOR", "WHOLE", "measure_pitch", "sum_bands"]

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_FFT_SAMPLES: Final = 320
_RATE_HZ: Final = 8000
BAND_EDGES_HZ: Final[tuple[float, ...]] = (
    80,
    180,
    280,
    390,
    510,
    650,
    810,
    1000,
    1230,
    1500,
    1820,
    2200,
    2650,
    3200,
    3900,
)
"""Lower edge of each band and the upper one of the last: about one Bark a band (E. Zwicker,
J. Acoust. Soc. Am. 33(2), 1961), a little wider at the top, over the band of a telephone line."""

BAND_COUNT: Final = len(BAND_EDGES_HZ)
"""Bands between those edges, 14, and the whole of them as one more."""

WHOLE: Final = BAND_COUNT - 1
"""Column of the whole, 80..3900 Hz."""

POWER_FLOOR: Final = 1e-10
"""Mean square of -100 dBFS: below every quantisation noise of a phone line."""


def _make_band_matrix() -> FloatArray:
    """Return the matrix that sums bins into bands, float32 [shape=(161, 15)]."""
    frequency = np.arange(_FFT_SAMPLES // 2 + 1) * _RATE_HZ / _FFT_SAMPLES
    edges = np.asarray(BAND_EDGES_HZ, np.float64)
    inside = (frequency[:, None] >= edges[None, :-1]) & (frequency[:, None] < edges[None, 1:])
    with_whole = np.concatenate([inside, inside.any(axis=1, keepdims=True)], axis=1)
    return np.asarray(with_whole * (2.0 / _FFT_SAMPLES**2), np.float32)


_PITCH_LAGS: Final = (20, 130)
"""Lags of 62..400 Hz at 8 kHz."""


def _make_lag_weight() -> FloatArray:
    """Return what undoes a Hann window's own autocorrelation, float32 [shape=(110,)]."""
    window = np.hanning(_FFT_SAMPLES + 1)[:-1]
    correlation = np.correlate(window, window, "full")[_FFT_SAMPLES - 1 :][slice(*_PITCH_LAGS)]
    return np.asarray(np.sum(window**2) / correlation, np.float32)


_LAG_WEIGHT: Final = _make_lag_weight()
_BAND_MATRIX: Final = _make_band_matrix()


def sum_bands(power: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Return the band powers of power spectra, float32 [shape=(..., 15)], mean squares.

    Args:
        power: Squared magnitudes of transforms of 320 samples, float32 [shape=(..., 161)], under a
            rectangular window or one of the same mean square.
        out: Where to write it.
    """
    return power.dot(_BAND_MATRIX, out)  # the method: np.dot takes longer to begin


def measure_pitch(autocorrelation: FloatArray) -> tuple[float, float]:
    """Return (harmonicity, pitch period in samples).

    Harmonicity is the greatest autocorrelation in the range of pitch, corrected for the window:
    0 (noise) to about 1 (periodic), capped at 1.5. Both are 0 in silence.

    Args:
        autocorrelation: Inverse transform of a power spectrum under a Hann window, float32
            [shape=(320,)].
    """
    total = float(autocorrelation[0])
    if total <= _FFT_SAMPLES * POWER_FLOOR:
        return 0.0, 0.0
    lags = autocorrelation[_PITCH_LAGS[0] : _PITCH_LAGS[1]] * _LAG_WEIGHT
    best = int(lags.argmax())
    return min(max(float(lags[best]) / total, 0.0), 1.5), float(best + _PITCH_LAGS[0])
