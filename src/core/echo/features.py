"""Features of one frame: what the echo filter, the bands and their trackers say together.

One job: write one vector a frame, of what is learnt and what is heard now. Invariant: trackers are
read before they are moved, so a frame never explains itself away.
"""

from __future__ import annotations

__all__ = ["FEATURE_COUNT", "SCALAR_COUNT", "FeatureExtractor"]

import math
import struct
from typing import Final

import numpy as np
import numpy.typing as npt

from .band_trackers import (
    DECIBEL,
    LEAKAGE_MINIMUM_DBFS,
    LEAKAGE_OVER_NOISE_DB,
    BandTrackers,
)
from .bands import BAND_COUNT, POWER_FLOOR, WHOLE, measure_pitch, sum_bands
from .echo_estimate import EchoEstimate, PowerRow
from .envelope_predictor import EnvelopePredictor
from .kalman_filter import KalmanEchoFilter
from .operands import operand
from .recent_maximum import RecentMaximum

FloatArray = npt.NDArray[np.float32]

SCALAR_COUNT: Final = 10
"""Values that describe a frame as a whole."""

_BAND_GROUPS: Final = 7
_BAND_SLOTS: Final = _BAND_GROUPS * BAND_COUNT

FEATURE_COUNT: Final = _BAND_SLOTS + SCALAR_COUNT
"""Values of one frame: seven groups of one value a band and one of the whole, then the scalars."""

_SCALARS: Final = struct.Struct(f"{SCALAR_COUNT}f")
"""Writes them sooner than NumPy, which makes an array of them first."""
_SCALARS_AT: Final = 4 * _BAND_SLOTS
"""Bytes of a frame's values before them."""

_UNCERTAINTY, _ERROR, _RESIDUAL, _ECHO, _CAPTURE, _FAR_END = (int(row) for row in PowerRow)
_EXPLAINED, _PREDICTED, _FLOOR, _LEAKAGE, _ONES = range(len(PowerRow), len(PowerRow) + 5)
"""Rows of the level table after those of `PowerRow`."""
_ZERO_DBFS: Final = -55.0
"""Level that is 0 in the two groups of absolute levels."""
_GROUPS: Final = (
    (_RESIDUAL, _ONES, 1 / 12, -5.0, 5.0),
    (_RESIDUAL, _FLOOR, 0.1, -0.5, 4.0),
    (_RESIDUAL, _EXPLAINED, 0.1, -2.0, 3.0),
    (_CAPTURE, _PREDICTED, 0.1, -2.0, 3.0),
    (_ECHO, _FLOOR, 0.1, -2.0, 4.0),
    (_FAR_END, _ONES, 1 / 15, -5.0, 5.0),
    (_CAPTURE, _RESIDUAL, 0.1, -0.5, 2.5),
)
"""A group is one row of the table over another, in dB, scaled, and kept within bounds."""


def _make_group_matrix() -> FloatArray:
    """Return what makes the groups out of the level table, float32 [shape=(7, 11)]."""
    matrix = np.zeros((_BAND_GROUPS, _ONES + 1), np.float32)
    for group, (level, reference, scale, _, _) in enumerate(_GROUPS):
        matrix[group, level] = scale / DECIBEL
        matrix[group, reference] = -scale * _ZERO_DBFS if reference == _ONES else -scale / DECIBEL
    return matrix


_GROUP_MATRIX: Final = _make_group_matrix()
_GROUP_LOW: Final = np.array([[group[3]] * BAND_COUNT for group in _GROUPS], np.float32)
_GROUP_HIGH: Final = np.array([[group[4]] * BAND_COUNT for group in _GROUPS], np.float32)
_LOWEST: Final = operand(POWER_FLOOR)
_FAR_END_ACTIVE_DBFS: Final = -55.0
_FAR_END_MAXIMUM_FRAMES: Final = 45
"""900 ms, the span of the echo filter."""
_ACTIVE_SECONDS_LIMIT: Final = 5.0
_FRAME_SAMPLES: Final = 160
_ERROR_OFFSET_DB: Final = 10.0 * math.log10(2.0)
"""Of the error's row over the mean square of its frame: four times its power in half a block."""
_ERLE_STEP: Final = 0.03


class FeatureExtractor:
    """Trackers of one call and the feature vector of the current frame."""

    def __init__(self) -> None:
        self._predictor = EnvelopePredictor(BAND_COUNT)
        self._powers = np.zeros((_FLOOR, BAND_COUNT), np.float32)
        self._table = np.ones((_ONES + 1, BAND_COUNT), np.float32)
        self._levels = self._table[:_FLOOR]
        self._whole = self._table[:_LEAKAGE, WHOLE]
        self._heard = self._powers[: len(PowerRow)]
        self._trackers = BandTrackers(self._table[_FLOOR:_ONES])
        self._values = np.zeros(FEATURE_COUNT, np.float32)
        self._groups = self._values[:_BAND_SLOTS].reshape(_BAND_GROUPS, BAND_COUNT)
        self._far_end_dbfs = RecentMaximum(_FAR_END_MAXIMUM_FRAMES)
        self.reset()

    def reset(self) -> None:
        """Forget the call."""
        self._predictor.reset()
        self._trackers.reset()
        self._values.fill(0.0)
        self._far_end_dbfs.clear()
        self._active_seconds = 0.0
        self._is_predictors_turn = True
        self.erle_db = 0.0
        """Smoothed reduction of the echo by the filter, dB."""
        self.near_end_dbfs = -100.0
        """Level of the last frame heard, without echo, 80..3900 Hz."""

    @property
    def trackers(self) -> BandTrackers:
        """The noise floor and the leakage that were learnt in this call."""
        return self._trackers

    @property
    def values(self) -> FloatArray:
        """Features of the last frame, float32 [shape=(115,)]; overwritten by the next."""
        return self._values

    def start_turn(self) -> None:
        """Begin a stretch of agent audio: what was sent long ago echoes no more."""
        self._predictor.forget_far_end()
        self._far_end_dbfs.clear()

    def skip(self, echo_filter: KalmanEchoFilter) -> None:
        """Take a slot whose capture was lost: the far end goes on, nothing is learnt."""
        self._predictor.predict(sum_bands(echo_filter.far_end_power))

    def listen(self, power: FloatArray, n_frames: int) -> None:
        """Hear some frames without agent audio: only the noise floor is learnt.

        Args:
            power: Of the last two of them, float32 [shape=(161,)], see :class:`.PowerRow`.
            n_frames: How many frames passed since the last time.
        """
        levels = sum_bands(power)
        np.maximum(levels, _LOWEST, out=levels)
        np.log(levels, out=levels)
        self._trackers.track_floor(levels, n_frames)
        self.near_end_dbfs = float(levels[WHOLE]) / DECIBEL

    def process(self, estimate: EchoEstimate, echo_filter: KalmanEchoFilter) -> FloatArray:
        """Return the features of one frame while the agent is audible, float32 [shape=(115,)].

        Args:
            estimate: The echo filter's word on this frame.
            echo_filter: For the path's energy and the far end.
        """
        powers, levels, trackers = self._powers, self._levels, self._trackers
        sum_bands(estimate.powers, out=self._heard)
        predicted = self._predictor.predict(powers[_FAR_END])
        floor_power, leakage = trackers.as_powers()
        explained = np.multiply(powers[_ECHO], leakage, out=powers[_EXPLAINED])
        explained += powers[_UNCERTAINTY]
        explained += floor_power
        np.add(predicted, floor_power, out=powers[_PREDICTED])
        np.maximum(powers, _LOWEST, out=levels)
        np.log(levels, out=levels)
        groups = _GROUP_MATRIX.dot(self._table, self._groups)
        np.maximum(groups, _GROUP_LOW, out=groups)
        np.minimum(groups, _GROUP_HIGH, out=groups)
        self._write_scalars(estimate, echo_filter)
        if estimate.is_adapting:
            # Each learns from every second frame: that is as good, and half the work.
            if self._is_predictors_turn:
                self._predictor.learn(powers[_CAPTURE], floor_power, predicted)
            else:
                trackers.track_leakage(levels[_RESIDUAL], levels[_ECHO])
            self._is_predictors_turn = not self._is_predictors_turn
        trackers.track_floor(levels[_RESIDUAL])
        return self._values

    def _write_scalars(self, estimate: EchoEstimate, echo_filter: KalmanEchoFilter) -> None:
        """Write what path, pitch and the whole band say of the frame."""
        whole = [level / DECIBEL for level in self._whole.tolist()]
        residual, echo, capture = whole[_RESIDUAL], whole[_ECHO], whole[_CAPTURE]
        floor, near_end = whole[_FLOOR], whole[_ERROR] - _ERROR_OFFSET_DB
        far_end = _decibels(echo_filter.far_end_energy / _FRAME_SAMPLES)
        self._far_end_dbfs.push(far_end)
        if far_end > _FAR_END_ACTIVE_DBFS:
            self._active_seconds = min(self._active_seconds + 0.02, _ACTIVE_SECONDS_LIMIT)
        path_gain = echo_filter.path_gain
        harmonicity, period = measure_pitch(estimate.autocorrelation)
        _SCALARS.pack_into(
            self._values.data,
            _SCALARS_AT,
            (floor + 60.0) / 10.0,
            (max(_decibels(path_gain), -60.0) + 25.0) / 15.0,
            echo_filter.path_peak / (path_gain + 1e-7),
            self._active_seconds,
            self.erle_db / 10.0,
            (near_end + 50.0) / 15.0,
            (far_end + 50.0) / 15.0,
            (self._far_end_dbfs.value + 40.0) / 15.0,
            harmonicity,
            period / 50.0,
        )
        self.near_end_dbfs = near_end
        if echo > floor + LEAKAGE_OVER_NOISE_DB and echo > LEAKAGE_MINIMUM_DBFS:
            self.erle_db += _ERLE_STEP * (min(max(capture - residual, -5.0), 30.0) - self.erle_db)


def _decibels(power: float) -> float:
    return 10.0 * math.log10(power + POWER_FLOOR)
