"""What is learnt per band over a call: the noise floor and the leakage of the echo filter.

One job: two levels a band that move slowly. Invariant: one frame moves a floor up by less than
1 dB, so that speech does not become the floor.
"""

from __future__ import annotations

__all__ = ["LEAKAGE_MINIMUM_DBFS", "LEAKAGE_OVER_NOISE_DB", "BandTrackers"]

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from .bands import BAND_COUNT

FloatArray = npt.NDArray[np.float32]

LEAKAGE_OVER_NOISE_DB: Final = 3.0
"""How far an echo estimate must stand out of the noise floor to say something about the filter."""

LEAKAGE_MINIMUM_DBFS: Final = -65.0
"""Level below which an echo estimate says nothing about the filter; one band is 8 dB less."""

_LOG_OF_DB: Final = np.float32(math.log(10.0) / 10.0)
_FLOOR_START_DB: Final = -65.0
_FLOOR_DOWN: Final = np.float32(0.3)
"""Share of the way down to a quieter frame."""
_FLOOR_LOWEST_DB: Final = np.float32(-90.0)
_FLOOR_UP_DB: Final = 0.06
"""3 dB a second: speech does not lift the floor, a fan that starts is learnt in seconds."""
_FLOOR_UP_EARLY_DB: Final = 0.6
"""Extra rise in the first frames of a call, fading as 1 / (1 + n / 10)."""
_LEAKAGE_START_DB: Final = -6.0
_LEAKAGE_STEP: Final = np.float32(0.03)
_LEAKAGE_RANGE_DB: Final = (np.float32(-30.0), np.float32(15.0))
_LEAKAGE_OVER_NOISE: Final = np.float32(LEAKAGE_OVER_NOISE_DB)
_LEAKAGE_LOWEST: Final = np.float32(LEAKAGE_MINIMUM_DBFS - 8.0)


class BandTrackers:
    """Noise floor and filter leakage of one call, in each of the bands."""

    def __init__(self) -> None:
        self._levels = np.empty((2, BAND_COUNT), np.float32)
        self._floor, self._leakage = self._levels
        self._scratch = np.empty(BAND_COUNT, np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget the call."""
        self._floor.fill(_FLOOR_START_DB)
        self._leakage.fill(_LEAKAGE_START_DB)
        self._frame_count = 0

    @property
    def floor_db(self) -> FloatArray:
        """Noise floor, float32 [shape=(14,)], dBFS; a view that the next frame overwrites."""
        return self._floor

    @property
    def leakage_db(self) -> FloatArray:
        """Residual over echo estimate where there is only echo, float32 [shape=(14,)]; a view."""
        return self._leakage

    def as_powers(self) -> FloatArray:
        """Return floor and leakage as power (ratio)s, float32 [shape=(2, 14)]."""
        return np.asarray(np.exp(self._levels * _LOG_OF_DB))

    def track_floor(self, residual_db: FloatArray) -> None:
        """Move the noise floor, once a frame; fast in the first frames of a call.

        Args:
            residual_db: Band levels of the capture without echo, float32 [shape=(14,)].
        """
        rise = np.float32(_FLOOR_UP_DB + _FLOOR_UP_EARLY_DB / (1.0 + 0.1 * self._frame_count))
        difference = residual_db - self._floor
        # Below the floor the first term is the larger one (less negative); above it `rise` caps.
        np.maximum(difference, _FLOOR_DOWN * difference, out=self._scratch)
        np.minimum(self._scratch, rise, out=self._scratch)
        self._floor += self._scratch
        np.maximum(self._floor, _FLOOR_LOWEST_DB, out=self._floor)
        self._frame_count += 1

    def track_leakage(self, residual_db: FloatArray, echo_db: FloatArray) -> None:
        """Move the share of the echo that the filter leaves, in bands where echo stands out.

        Args:
            residual_db: Band levels of the residual, float32 [shape=(14,)].
            echo_db: Band levels of the echo estimate, the same.
        """
        threshold = np.maximum(
            self._floor + _LEAKAGE_OVER_NOISE, _LEAKAGE_LOWEST, out=self._scratch
        )
        is_echo = echo_db > threshold
        target = residual_db - echo_db
        np.maximum(target, _LEAKAGE_RANGE_DB[0], out=target)
        np.minimum(target, _LEAKAGE_RANGE_DB[1], out=target)
        target -= self._leakage
        target *= _LEAKAGE_STEP
        target *= is_echo
        self._leakage += target
