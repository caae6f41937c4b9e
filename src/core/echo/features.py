"""Features of one frame: what the echo filter, the bands, pitch and WebRTC VAD say together.

One job: write one vector a frame, of what is learnt and what is heard now. Invariant: trackers are
read before they are moved, so a frame never explains itself away.
"""

from __future__ import annotations

__all__ = ["FEATURE_COUNT", "SCALAR_COUNT", "FeatureExtractor"]

import math
from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt
import webrtcvad

from .band_trackers import LEAKAGE_MINIMUM_DBFS, LEAKAGE_OVER_NOISE_DB, BandTrackers
from .bands import BAND_COUNT, POWER_FLOOR, BandAnalyzer, decibels
from .envelope_predictor import EnvelopePredictor
from .kalman_filter import EchoEstimate, KalmanEchoFilter

FloatArray = npt.NDArray[np.float32]

SCALAR_COUNT: Final = 30
"""Values that describe a frame as a whole."""

_BAND_GROUPS: Final = 7
_BAND_SLOTS: Final = _BAND_GROUPS * BAND_COUNT

FEATURE_COUNT: Final = _BAND_SLOTS + SCALAR_COUNT
"""Values of one frame: seven groups of one value a band, then the scalars."""

_RESIDUAL, _ECHO, _CAPTURE, _EXPLAINED, _PREDICTED, _FAR_END = range(6)
"""Rows of the level table."""
_GROUP_OF: Final = np.array([_RESIDUAL, _RESIDUAL, _RESIDUAL, _CAPTURE, _ECHO, _FAR_END, _CAPTURE])
"""Which row each group starts from: residual; residual over floor, over explained echo; capture
over predicted echo; echo over floor; far end; capture over residual."""
_GROUP_SCALE: Final = np.array([1 / 12, 0.1, 0.1, 0.1, 0.1, 1 / 15, 0.1], np.float32)[:, np.newaxis]
_GROUP_LOW: Final = np.array([-5.0, -0.5, -2.0, -2.0, -2.0, -5.0, -0.5], np.float32)[:, np.newaxis]
_GROUP_HIGH: Final = np.array([5.0, 4.0, 3.0, 3.0, 4.0, 5.0, 2.5], np.float32)[:, np.newaxis]
_GROUP_ZERO_DBFS: Final = -55.0
"""Level that is 0 in the two groups of absolute levels."""
_RATE_HZ: Final = 8000
_HALF: Final = np.float32(0.5)
_PCM_SCALE: Final = np.float32(32767.0)
_EXCESS_DB: Final = 6.0
_FAR_END_ACTIVE_DBFS: Final = -55.0
_FAR_END_MAXIMUM_FRAMES: Final = 45
"""900 ms, the span of the echo filter."""
_VOICE_BANDS: Final = slice(2, 11)
"""280..2200 Hz: the bands every phone line carries."""
_BAND_SUM: Final = np.ones(BAND_COUNT, np.float32)
_BAND_MEAN: Final = np.full(BAND_COUNT, 1.0 / BAND_COUNT, np.float32)
_VOICE_MEAN: Final = np.full(9, 1.0 / 9.0, np.float32)
_ACTIVE_SECONDS_LIMIT: Final = 5.0


def _level_dbfs(signal: FloatArray) -> float:
    """Return the level of one frame, dBFS."""
    return 10.0 * math.log10(float(signal @ signal) / len(signal) + POWER_FLOOR)


class FeatureExtractor:
    """Trackers of one call and the feature vector of the current frame."""

    def __init__(self) -> None:
        self._bands = BandAnalyzer()
        self._predictor = EnvelopePredictor(BAND_COUNT)
        self._trackers = BandTrackers()
        self._powers = np.empty((6, BAND_COUNT), np.float32)
        self._spectra = np.zeros((2, 161), np.float32)
        self._subtrahend = np.zeros((_BAND_GROUPS, BAND_COUNT), np.float32)
        self._subtrahend[[0, 5]] = _GROUP_ZERO_DBFS
        self._signals = np.empty((4, 160), np.float32)
        self._values = np.zeros(FEATURE_COUNT, np.float32)
        self._far_end_levels: deque[float] = deque([-100.0], maxlen=_FAR_END_MAXIMUM_FRAMES)
        self.reset()

    def reset(self) -> None:
        """Forget the call."""
        self._bands.reset()
        self._predictor.reset()
        self._trackers.reset()
        self._values.fill(0.0)
        self._far_end_levels.clear()
        self._vads = tuple(webrtcvad.Vad(mode) for mode in (1, 3, 3))
        self._active_seconds = 0.0
        self.erle_db = 0.0
        """Smoothed reduction of the echo by the filter, dB."""
        self.near_end_dbfs = -100.0
        """Level of the last frame without echo."""

    @property
    def trackers(self) -> BandTrackers:
        """The noise floor and the leakage that were learnt in this call."""
        return self._trackers

    @property
    def values(self) -> FloatArray:
        """Features of the last frame, float32 [shape=(128,)]; overwritten by the next."""
        return self._values

    def start_turn(self) -> None:
        """Begin a stretch of agent audio: what was sent long ago echoes no more."""
        self._predictor.forget_far_end()
        self._far_end_levels.clear()

    def skip(self, echo_filter: KalmanEchoFilter) -> None:
        """Take a slot whose capture was lost: the far end goes on, nothing is learnt."""
        self._spectra[1] = echo_filter.far_end_power
        self._predictor.predict(self._bands.from_spectra(self._spectra)[1])

    def listen(self, capture: FloatArray) -> None:
        """Take a frame without agent audio: only the noise floor is learnt."""
        self._trackers.track_floor(decibels(self._bands.analyze_one(capture)))
        self.near_end_dbfs = _level_dbfs(capture)

    def process(
        self,
        capture: FloatArray,
        far_end: FloatArray,
        estimate: EchoEstimate,
        echo_filter: KalmanEchoFilter,
    ) -> FloatArray:
        """Return the features of one frame while the agent is audible, float32 [shape=(128,)].

        Args:
            capture: float32 [shape=(160,)], scaled to +-1.
            far_end: float32 [shape=(160,)], what was sent in the same slot.
            estimate: The echo filter's word on this frame.
            echo_filter: For the path's energy and the far end's spectrum.
        """
        power = self._bands.analyze(estimate.residual, estimate.echo)
        self._spectra[0] = estimate.uncertainty
        self._spectra[1] = echo_filter.far_end_power
        others = self._bands.from_spectra(self._spectra)
        predicted = self._predictor.predict(others[1])
        floor_power, leakage = self._trackers.as_powers()
        linear = self._powers
        linear[:3] = power
        linear[3] = power[_ECHO] * leakage + _HALF * others[0] + floor_power
        linear[4] = predicted + floor_power
        linear[5] = others[1]
        levels = decibels(linear)
        self._write_bands(levels)
        self._write_scalars(
            levels, (linear @ _BAND_SUM).tolist(), float(floor_power.sum()), echo_filter
        )
        self._write_signals(capture, far_end, estimate)
        if estimate.is_adapting and capture.any():
            self._predictor.learn(power[_CAPTURE], floor_power, predicted)
            self._trackers.track_leakage(levels[_RESIDUAL], levels[_ECHO])
        self._trackers.track_floor(levels[_RESIDUAL])
        return self._values

    def _write_bands(self, levels: FloatArray) -> None:
        """Write the seven groups of 14 values, each scaled to about +-3."""
        groups = self._values[: _BAND_GROUPS * BAND_COUNT].reshape(_BAND_GROUPS, BAND_COUNT)
        np.take(levels, _GROUP_OF, axis=0, out=groups)
        subtrahend = self._subtrahend
        subtrahend[1] = subtrahend[4] = self._trackers.floor_db
        subtrahend[2] = levels[_EXPLAINED]
        subtrahend[3] = levels[_PREDICTED]
        subtrahend[6] = levels[_RESIDUAL]
        groups -= subtrahend
        groups *= _GROUP_SCALE
        np.maximum(groups, _GROUP_LOW, out=groups)
        np.minimum(groups, _GROUP_HIGH, out=groups)

    def _write_scalars(
        self,
        levels: FloatArray,
        totals: list[float],
        floor_power: float,
        echo_filter: KalmanEchoFilter,
    ) -> None:
        """Write what bands, pitch and path say about the frame as a whole.

        Args:
            levels: Rows residual, echo, capture, explained, predicted, far end, dB.
            totals: Sum over the bands of the same rows, mean squares.
            floor_power: Sum of the noise floor over the bands.
            echo_filter: For the path's energy.
        """
        e, y, d, explained, predicted, _ = (
            10.0 * math.log10(total + POWER_FLOOR) for total in totals
        )
        floor = 10.0 * math.log10(floor_power + POWER_FLOOR)
        centred = levels - (levels @ _BAND_MEAN)[:, np.newaxis]
        gram = (centred @ centred.T).tolist()
        harmonicity, period = self._bands.measure_pitch()
        energy = echo_filter.partition_energy
        path_gain = float(energy.sum())
        excess = (
            levels[_RESIDUAL:_EXPLAINED:_CAPTURE, _VOICE_BANDS]
            - levels[_EXPLAINED:_FAR_END, _VOICE_BANDS]
        )
        mean = (excess @ _VOICE_MEAN).tolist()
        share = ((excess > _EXCESS_DB) @ _VOICE_MEAN).tolist()
        self._values[_BAND_SLOTS : _BAND_SLOTS + 21] = (
            (floor + 60.0) / 10.0,
            _clip(e - floor, -5.0, 40.0) / 10.0,
            _clip(d - e, -5.0, 20.0) / 5.0,
            _clip(d - y, -20.0, 40.0) / 10.0,
            _clip(e - explained, -20.0, 30.0) / 10.0,
            _clip(d - predicted, -20.0, 30.0) / 10.0,
            _clip(e - y, -30.0, 30.0) / 10.0,
            harmonicity,
            period / 50.0,
            _correlate(gram, _RESIDUAL, _ECHO),
            _correlate(gram, _CAPTURE, _ECHO),
            _correlate(gram, _RESIDUAL, _FAR_END),
            _correlate(gram, _CAPTURE, _PREDICTED),
            (_clip(10.0 * math.log10(path_gain + 1e-7), -60.0, 10.0) + 25.0) / 15.0,
            float(energy.max()) / (path_gain + 1e-7),
            self._active_seconds,
            mean[0] / 10.0,
            share[0],
            mean[1] / 10.0,
            share[1],
            self.erle_db / 10.0,
        )
        if y > floor + LEAKAGE_OVER_NOISE_DB and y > LEAKAGE_MINIMUM_DBFS:
            self.erle_db += 0.03 * (_clip(d - e, -5.0, 30.0) - self.erle_db)

    def _write_signals(
        self, capture: FloatArray, far_end: FloatArray, estimate: EchoEstimate
    ) -> None:
        """Write the levels of this frame alone and what WebRTC VAD says."""
        signals = self._signals
        signals[0], signals[1], signals[2], signals[3] = (
            estimate.residual,
            capture,
            estimate.echo,
            far_end,
        )
        energies = np.einsum("ij,ij->i", signals, signals).tolist()
        e, d, y, x = (10.0 * math.log10(energy / 160.0 + POWER_FLOOR) for energy in energies)
        self._far_end_levels.append(x)
        far_end_maximum = max(self._far_end_levels)
        if x > _FAR_END_ACTIVE_DBFS:
            self._active_seconds = min(self._active_seconds + 0.02, _ACTIVE_SECONDS_LIMIT)
        self._values[_BAND_SLOTS + 21 :] = (
            (e + 50.0) / 15.0,
            (d + 50.0) / 15.0,
            (y + 50.0) / 15.0,
            (x + 50.0) / 15.0,
            (far_end_maximum + 40.0) / 15.0,
            _clip(d - far_end_maximum, -60.0, 20.0) / 15.0,
            *self._detect_voice(signals[:2]),
        )
        self.near_end_dbfs = e

    def _detect_voice(self, signals: FloatArray) -> tuple[float, float, float]:
        """Return WebRTC VAD modes 1 and 3 on the residual, mode 3 on the capture, as 0 or 1.

        Args:
            signals: Residual and capture, float32 [shape=(2, 160)]; overwritten.
        """
        signals *= _PCM_SCALE
        np.minimum(signals, _PCM_SCALE, out=signals)
        np.maximum(signals, -_PCM_SCALE, out=signals)
        integers = signals.astype(np.int16)
        residual_bytes = integers[0].tobytes()
        return (
            float(self._vads[0].is_speech(residual_bytes, _RATE_HZ)),
            float(self._vads[1].is_speech(residual_bytes, _RATE_HZ)),
            float(self._vads[2].is_speech(integers[1].tobytes(), _RATE_HZ)),
        )


def _correlate(gram: list[list[float]], row: int, column: int) -> float:
    """Return a correlation, -1..1, from a table of inner products."""
    return gram[row][column] / (math.sqrt(gram[row][row] * gram[column][column]) + 1e-3)


def _clip(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value  # noqa: FURB136 - faster
