"""What is learnt per band over a call: the noise floor and the leakage of the echo filter.

One job: two levels a band that move slowly. Invariant: one frame moves a floor up by less than
1 dB, so that speech does not become the floor.

Levels are natural logarithms of powers: NumPy is fast at no others.
"""

from __future__ import annotations

__all__ = ["DECIBEL", "LEAKAGE_MINIMUM_DBFS", "LEAKAGE_OVER_NOISE_DB", "BandTrackers"]

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from .bands import BAND_COUNT, WHOLE
from .operands import operand

FloatArray = npt.NDArray[np.float32]

DECIBEL: Final = math.log(10.0) / 10.0
"""One dB as a natural logarithm of a power ratio."""

LEAKAGE_OVER_NOISE_DB: Final = 3.0
"""How far an echo estimate must stand out of the noise floor to say something about the filter."""

LEAKAGE_MINIMUM_DBFS: Final = -65.0
"""Level below which an echo estimate says nothing about the filter; one band is 8 dB less."""

_FLOOR_START_DB: Final = -65.0
"""Of one band, the whole being as much more as there are bands."""
_FLOOR_DOWN: Final = operand(0.3)
"""Share of the way down to a quieter frame."""
_FLOOR_UP_DB: Final = 0.06
"""3 dB a second: speech does not lift the floor, a fan that starts is learnt in seconds."""
_FLOOR_UP_EARLY_DB: Final = 0.6
"""Extra rise in the first frames of a call, fading as 1 / (1 + n / 10)."""
_LEAKAGE_START_DB: Final = -6.0
_LEAKAGE_STEP: Final = operand(0.06)
"""Share of the way, every second frame."""
_LEAKAGE_HIGHEST: Final = operand(15.0 * DECIBEL)
_LEAKAGE_OVER_NOISE: Final = operand(LEAKAGE_OVER_NOISE_DB * DECIBEL)
_LEAKAGE_LOWEST: Final = operand((LEAKAGE_MINIMUM_DBFS - 8.0) * DECIBEL)


class BandTrackers:
    """Noise floor and filter leakage of one call, in each of the bands.

    Args:
        levels: Where they are kept, float32 [shape=(2, 15)]: floor and leakage.
    """

    def __init__(self, levels: FloatArray | None = None) -> None:
        self._levels = np.empty((2, BAND_COUNT), np.float32) if levels is None else levels
        self._floor, self._leakage = self._levels
        self._difference = np.empty(BAND_COUNT, np.float32)
        self._scratch = np.empty(BAND_COUNT, np.float32)
        self._rise = np.empty((), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget the call."""
        self._floor.fill(_FLOOR_START_DB * DECIBEL)
        self._floor[WHOLE] += math.log(WHOLE)
        self._leakage.fill(_LEAKAGE_START_DB * DECIBEL)
        self._frame_count = 0

    def as_powers(self) -> FloatArray:
        """Return floor and leakage as power (ratio)s, float32 [shape=(2, 15)]."""
        return np.exp(self._levels)

    def track_floor(self, residual: FloatArray, n_frames: int = 1) -> None:
        """Move the noise floor; fast in the first frames of a call.

        Args:
            residual: Band levels of the capture without echo, float32 [shape=(15,)].
            n_frames: How many frames passed since the last one.
        """
        rise = (_FLOOR_UP_DB + _FLOOR_UP_EARLY_DB / (1.0 + 0.1 * self._frame_count)) * DECIBEL
        difference, scratch = self._difference, self._scratch
        np.subtract(residual, self._floor, out=difference)
        np.multiply(difference, _FLOOR_DOWN, out=scratch)
        # Below the floor the first term is the larger one (less negative); above it `rise` caps.
        np.maximum(difference, scratch, out=scratch)
        self._rise.fill(n_frames * rise)
        np.minimum(scratch, self._rise, out=scratch)
        self._floor += scratch
        self._frame_count += n_frames

    def track_leakage(self, residual: FloatArray, echo: FloatArray) -> None:
        """Move the share of the echo that the filter leaves, in bands where echo stands out.

        Args:
            residual: Band levels of the residual, float32 [shape=(15,)].
            echo: Band levels of the echo estimate, the same.
        """
        threshold, target = self._scratch, self._difference
        np.add(self._floor, _LEAKAGE_OVER_NOISE, out=threshold)
        np.maximum(threshold, _LEAKAGE_LOWEST, out=threshold)
        np.subtract(residual, echo, out=target)
        np.minimum(target, _LEAKAGE_HIGHEST, out=target)
        target -= self._leakage
        target *= _LEAKAGE_STEP
        np.add(self._leakage, target, out=self._leakage, where=echo > threshold)
