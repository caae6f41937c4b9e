"""Band powers of the signals around the echo filter.

One job: turn capture, residual and echo estimate into mean-square powers of 14 bands. Invariant:
all powers share one scale (mean square of a +-1 signal), whatever window they came from.
"""

from __future__ import annotations

__all__ = ["BAND_COUNT", "BAND_EDGES_HZ", "POWER_FLOOR", "BandAnalyzer", "decibels"]

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_FRAME_SAMPLES: Final = 160
_FFT_SAMPLES: Final = 320
_RATE_HZ: Final = 8000
BAND_EDGES_HZ: Final = (
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

BAND_COUNT: Final = len(BAND_EDGES_HZ) - 1
"""Bands between those edges: 14."""

POWER_FLOOR: Final = 1e-10
"""Mean square of -100 dBFS: below every quantisation noise of a phone line."""

_PITCH_LAGS: Final = (20, 130)
"""Lags of 62..400 Hz at 8 kHz."""


def decibels(power: FloatArray) -> FloatArray:
    """Return 10 log10 of mean-square powers, floored at -100 dB."""
    return np.float32(10.0) * np.log10(np.maximum(power, np.float32(POWER_FLOOR)))


def _make_band_matrix() -> FloatArray:
    """Return the 0/1 matrix that sums bins into bands, float32 [shape=(161, 14)]."""
    frequency = np.arange(_FFT_SAMPLES // 2 + 1) * _RATE_HZ / _FFT_SAMPLES
    edges = np.asarray(BAND_EDGES_HZ, np.float64)
    inside = (frequency[:, None] >= edges[None, :-1]) & (frequency[:, None] < edges[None, 1:])
    return inside.astype(np.float32)


class BandAnalyzer:
    """Hann windows over the last two frames of three signals, analysed at once."""

    def __init__(self) -> None:
        window = np.hanning(_FFT_SAMPLES + 1)[:-1]
        self._window = window.astype(np.float32)
        matrix = _make_band_matrix()
        self._hann_matrix = (matrix * (2.0 / (_FFT_SAMPLES * np.sum(window**2)))).astype(np.float32)
        self._rectangle_matrix = (matrix * (2.0 / _FFT_SAMPLES**2)).astype(np.float32)
        lag_weight = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * _FFT_SAMPLES)) ** 2)[
            slice(*_PITCH_LAGS)
        ]
        self._lag_weight = (np.sum(window**2) / np.maximum(lag_weight, 1e-3)).astype(np.float32)
        self._block = np.zeros((2, _FFT_SAMPLES), np.float32)
        self._windowed = np.zeros((2, _FFT_SAMPLES), np.float32)
        self._spectrum = np.zeros((3, _FFT_SAMPLES // 2 + 1), np.complex64)
        self._residual_power: FloatArray = np.zeros(_FFT_SAMPLES // 2 + 1, np.float32)

    def reset(self) -> None:
        """Forget the previous frame."""
        self._block.fill(0.0)

    def analyze(self, residual: FloatArray, echo: FloatArray) -> FloatArray:
        """Return band powers of residual, echo estimate and capture.

        The capture is the sum of the other two, so that two transforms do.

        Args:
            residual: float32 [shape=(160,)], scaled to +-1.
            echo: float32 [shape=(160,)], echo estimate.

        Returns:
            float32 [shape=(3, 14)], mean squares.
        """
        block, spectrum = self._block, self._spectrum
        block[:, :_FRAME_SAMPLES] = block[:, _FRAME_SAMPLES:]
        block[0, _FRAME_SAMPLES:] = residual
        block[1, _FRAME_SAMPLES:] = echo
        np.multiply(block, self._window, out=self._windowed)
        spectrum[:2] = np.fft.rfft(self._windowed, axis=1)
        np.add(spectrum[0], spectrum[1], out=spectrum[2])
        power = spectrum.real**2 + spectrum.imag**2
        self._residual_power = power[0]
        return np.asarray(power @ self._hann_matrix, np.float32)

    def analyze_one(self, capture: FloatArray) -> FloatArray:
        """Return band powers of the capture alone, where there is no echo: it is the residual too.

        Args:
            capture: float32 [shape=(160,)], scaled to +-1.

        Returns:
            float32 [shape=(14,)], mean squares.
        """
        block = self._block
        block[:, :_FRAME_SAMPLES] = block[:, _FRAME_SAMPLES:]
        block[0, _FRAME_SAMPLES:] = capture
        block[1, _FRAME_SAMPLES:] = 0.0
        spectrum = np.fft.rfft(block[0] * self._window)
        self._residual_power = np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)
        return np.asarray(self._residual_power @ self._hann_matrix, np.float32)

    def from_spectra(self, spectra: FloatArray) -> FloatArray:
        """Return band powers of power spectra of rectangular windows, float32 [shape=(n, 161)]."""
        return np.asarray(spectra @ self._rectangle_matrix, np.float32)

    def measure_pitch(self) -> tuple[float, float]:
        """Return (harmonicity, pitch period in samples) of the last residual.

        Harmonicity is the greatest autocorrelation in the range of pitch, corrected for the window:
        0 (noise) to about 1 (periodic), capped at 1.5. Both are 0 in silence.
        """
        correlation = np.fft.irfft(self._residual_power, _FFT_SAMPLES)
        if correlation[0] <= POWER_FLOOR:
            return 0.0, 0.0
        lags = correlation[slice(*_PITCH_LAGS)] * self._lag_weight
        best = int(lags.argmax())
        return min(max(float(lags[best] / correlation[0]), 0.0), 1.5), float(best + _PITCH_LAGS[0])
