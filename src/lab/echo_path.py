"""A synthetic echo path: what comes back of the far end through a hybrid, delayed and weakened.

Invariant: streaming; how the far end is cut into frames does not show in the echo.
"""

from __future__ import annotations

__all__ = ["EchoPath"]

import numpy as np
import numpy.typing as npt

from ..core.units import db_to_ratio, ms_to_samples

_RATE_HZ = 8000
_N_TAPS = 64
"""8 ms: the span of the hybrids in ITU-T G.168 Annex D."""


class EchoPath:
    """Delay, hybrid and echo return loss.

    Args:
        delay_ms: Echo path delay.
        erl_db: Echo return loss for white far-end, in dB; positive when the echo is weaker.
        seed: Of the hybrid's impulse response.

    Raises:
        ValueError: ``delay_ms`` is negative.
    """

    def __init__(self, *, delay_ms: float, erl_db: float, seed: int = 0) -> None:
        if delay_ms < 0:
            raise ValueError(f"delay_ms: {delay_ms} is negative")
        self._response = _hybrid_response(seed) * db_to_ratio(-erl_db)
        self._past = np.zeros(_N_TAPS - 1 + ms_to_samples(delay_ms, _RATE_HZ), np.float64)

    def process(self, far_end: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        """Return the echo that arrives while ``far_end`` is sent.

        Args:
            far_end: int16 [shape=(n,), mono, 8 kHz].

        Returns:
            float64 [shape=(n,)], int16 units.
        """
        history = np.concatenate([self._past, far_end.astype(np.float64)])
        self._past = history[len(far_end) :]
        heard = history[: len(far_end) + _N_TAPS - 1]
        return np.convolve(heard, self._response, mode="valid")


def _hybrid_response(seed: int) -> npt.NDArray[np.float64]:
    """Return a decaying, band-limited impulse response of unit energy."""
    generator = np.random.default_rng(seed)
    taps = generator.standard_normal(_N_TAPS) * np.exp(-np.arange(_N_TAPS) / 10.0)
    taps = np.convolve(taps, [0.25, 0.5, 0.25], mode="same")
    normalised: npt.NDArray[np.float64] = taps / np.sqrt(np.sum(taps**2))
    return normalised
