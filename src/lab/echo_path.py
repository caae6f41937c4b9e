"""A synthetic echo path: what comes back of the far end through a hybrid, delayed and weakened.

Invariant: streaming; how the far end is cut into frames does not show in the echo.
"""

from __future__ import annotations

__all__ = ["EchoPath"]

import numpy as np
import numpy.typing as npt

from ..core.audio import G711_RATE_HZ
from ..core.units import db_to_ratio, ms_to_samples

_N_TAPS = 64
"""8 ms: the span of the hybrids in ITU-T G.168 Annex D."""
_DECAY_TAPS = 10.0
"""Taps in which a response falls to 1/e."""
_SPECTRUM_BINS = 512
_TELEPHONE_BAND_HZ = (200, 3400)
_KNEE_HZ = 600.0
_SLOPE = 3
"""Speech on the telephone is flat up to about 600 Hz and falls by 9 dB an octave above it: the
long-term average spectrum of Byrne et al., J. Acoust. Soc. Am. 96(4), 1994, smoothed."""


class EchoPath:
    """Delay, hybrid and echo return loss.

    Args:
        delay_ms: Echo path delay.
        erl_db: Echo return loss for speech, in dB; positive when the echo is weaker. That of
            single voices differs by up to 2 dB, as the hybrid is not flat.
        seed: Of the hybrid's impulse response.

    Raises:
        ValueError: ``delay_ms`` is negative.
    """

    def __init__(self, *, delay_ms: float, erl_db: float, seed: int = 0) -> None:
        if delay_ms < 0:
            raise ValueError(f"delay_ms: {delay_ms} is not 0 or more")
        self._response = _hybrid_response(seed) * db_to_ratio(-erl_db)
        self._past = np.zeros(_N_TAPS - 1 + ms_to_samples(delay_ms, G711_RATE_HZ), np.float64)

    def process(self, far_end: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        """Return the echo that arrives while ``far_end`` is played.

        Args:
            far_end: int16 [shape=(n,), mono, 8 kHz].

        Returns:
            float64 [shape=(n,)], int16 units.
        """
        if len(far_end) == 0:
            return np.zeros(0, np.float64)
        history = np.concatenate([self._past, far_end.astype(np.float64)])
        self._past = history[len(far_end) :]
        heard = history[: len(far_end) + _N_TAPS - 1]
        return np.convolve(heard, self._response, mode="valid")


def _hybrid_response(seed: int) -> npt.NDArray[np.float64]:
    """Return a decaying, band-limited impulse response that leaves the power of speech as it is."""
    generator = np.random.default_rng(seed)
    taps = generator.standard_normal(_N_TAPS) * np.exp(-np.arange(_N_TAPS) / _DECAY_TAPS)
    taps = np.convolve(taps, [0.25, 0.5, 0.25], mode="same")
    power = np.abs(np.fft.rfft(taps, 2 * _SPECTRUM_BINS)) ** 2
    normalised: npt.NDArray[np.float64] = taps / np.sqrt(np.average(power, weights=_speech_power()))
    return normalised


def _speech_power() -> npt.NDArray[np.float64]:
    """Return the power spectrum of speech at the bins of a response's spectrum, in any unit."""
    frequencies_hz = np.linspace(0, G711_RATE_HZ / 2, _SPECTRUM_BINS + 1)
    low_hz, high_hz = _TELEPHONE_BAND_HZ
    is_in_band = (frequencies_hz >= low_hz) & (frequencies_hz <= high_hz)
    power: npt.NDArray[np.float64] = is_in_band / (1 + (frequencies_hz / _KNEE_HZ) ** _SLOPE)
    return power
