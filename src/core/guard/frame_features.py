"""What the guard's network is told of one 20 ms frame.

One job: samples in, one row of numbers out, with what little memory that takes. Invariant: every
number is relative, to the frame itself, to the line's noise or to its loudest frames, so that the
same sounds at another level give the same row.
"""

from __future__ import annotations

__all__ = ["BAND_COUNT", "BAND_EDGES_HZ", "FEATURE_COUNT", "FrameFeatures", "FrameReading"]

import math
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ..echo.operands import operand
from ..echo.transforms import inverse, transform_in_double

FloatArray = npt.NDArray[np.float32]

_RATE_HZ: Final = 8000
_FRAME_SAMPLES: Final = 160
_WINDOW_SAMPLES: Final = 2 * _FRAME_SAMPLES
BAND_EDGES_HZ: Final[tuple[float, ...]] = (
    *(90, 190, 300, 410, 530, 670, 830, 1020, 1250, 1530, 1850, 2230, 2680, 3200, 3600, 3900),
)
"""Lower edge of each band and the upper one of the last: about one Bark a band (E. Zwicker,
J. Acoust. Soc. Am. 33(2), 1961) over the band of a telephone line."""
BAND_COUNT: Final = len(BAND_EDGES_HZ) - 1
"""Bands between those edges: 15."""
_SCALAR_COUNT: Final = 14
FEATURE_COUNT: Final = 2 * BAND_COUNT + _SCALAR_COUNT
"""Numbers of a row: the level of each band over its noise, that of each over the mean of all, and
what describes the frame as a whole."""

_LEAST_POWER: Final = operand(0.25)
"""Mean square in int16 units, below the quantisation noise of every phone line."""
_START_LEVEL_DB: Final = 26.0
"""RMS of 20, in dB over one step of int16: what a line is taken to carry before it is heard, as by
the guard's noise floor."""
_START_PEAK_DB: Final = 40.0
_FLOOR_FALL_RATIO: Final = operand(0.3)
"""Share of the way that the noise of a band falls in one frame, and goes in one of silence."""
_HEARD_EVERY: Final = 4
"""Of silent frames one in four is heard: noise is steady, and silence should cost little."""
_FLOOR_RISE_DB: Final = operand(0.1)
"""dB that it rises in one frame: 5 dB a second, slower than syllables by far."""
_PEAK_FALL_DB: Final = 0.04
"""dB that the level of the loudest frames falls in one frame: 2 dB a second."""
_PITCH_LAGS: Final = slice(20, 130)
"""Lags of 62..400 Hz at 8 kHz."""
_LOWEST_LAG: Final = 20
_SHORTEST_PERIOD: Final = 50.0
"""Samples of a period that reads 0 octaves: 160 Hz."""
_VOICED_HARMONICITY: Final = 0.5
_LONGEST_GAP_FRAMES: Final = 50
_LOWEST_DB, _HIGHEST_DB = operand(-30.0), operand(50.0)
_SCALE: Final = operand(0.1)
"""Rows are in units of 10 dB."""


@dataclass(slots=True)
class FrameReading:
    """One frame, described."""

    row: FloatArray
    """What the network takes, float32 [shape=(FEATURE_COUNT,)]."""
    power: FloatArray
    """Of the bins of the window, float32 [shape=(161,)]."""
    concentration: float
    """Sum of the squared powers of the bins over the square of their sum: 0.5 for one tone, 0.25
    for two, 0.01 for noise."""


def _make_band_matrix() -> FloatArray:
    """Return what makes mean squares of 15 bands of the power of 161 bins."""
    frequency_hz = np.arange(_WINDOW_SAMPLES // 2 + 1) * _RATE_HZ / _WINDOW_SAMPLES
    edges_hz = np.asarray(BAND_EDGES_HZ, np.float64)
    inside = (frequency_hz >= edges_hz[:-1, None]) & (frequency_hz < edges_hz[1:, None])
    return (inside * (2.0 / (_WINDOW_SAMPLES * np.sum(_WINDOW**2)))).astype(np.float32)


def _make_lag_weight() -> FloatArray:
    """Return what undoes the fall of the autocorrelation that the window alone brings."""
    correlation = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW)) ** 2)[_PITCH_LAGS]
    return np.asarray(np.sum(_WINDOW**2) / correlation, np.float32)


_WINDOW: Final[FloatArray] = np.hanning(_WINDOW_SAMPLES + 1)[:-1].astype(np.float32)
_BAND_MATRIX: Final = _make_band_matrix()
_LAG_WEIGHT: Final = _make_lag_weight()
_IN_BAND: Final = slice(4, 157)
"""Bins of 100..3900 Hz."""
_BIN_ONES: Final = np.ones(157 - 4, np.float32)
_NOTHING: Final = np.zeros(_FRAME_SAMPLES, np.int16)
_SCALARS: Final = struct.Struct(f"{_SCALAR_COUNT}f")
"""Writes a row's numbers without bands sooner than NumPy, which makes an array of them first."""
_SCALARS_AT: Final = 4 * 2 * BAND_COUNT
"""Bytes of a row before them."""
_TEN: Final = operand(10.0)
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_BAND_MEAN: Final = np.full(BAND_COUNT, 1.0 / BAND_COUNT, np.float32)


class FrameFeatures:
    """Describes the frames of one call, one after the other."""

    __slots__ = (
        "_earlier",
        "_floor_db",
        "_gap_frames",
        "_last_harmonicity",
        "_last_level_db",
        "_last_octaves",
        "_number",
        "_peak_db",
        "_previous",
        "_silent_frames",
    )

    def __init__(self) -> None:
        self._previous = _NOTHING
        start_db = _START_LEVEL_DB - 10.0 * math.log10(BAND_COUNT)
        self._floor_db: FloatArray = np.full(BAND_COUNT, start_db, np.float32)
        self._earlier = np.zeros((4, BAND_COUNT), np.float32)
        self._number = 0
        self._gap_frames = _LONGEST_GAP_FRAMES
        self._silent_frames = 0
        self._peak_db = _START_PEAK_DB
        self._last_level_db = _START_LEVEL_DB
        self._last_harmonicity = 0.0
        self._last_octaves = 0.0

    def skip(self, samples: npt.NDArray[np.int16] | None = None) -> None:
        """Let 20 ms pass undescribed; what is silence shows the noise of each band.

        Args:
            samples: The frame; None if there was none, or the guard was not asked about it.
        """
        self._gap_frames += 1
        if samples is None:
            self._previous = _NOTHING
            return
        self._silent_frames += 1
        if self._silent_frames % _HEARD_EVERY:
            self._previous = samples
        else:
            bands_db = _decibels(_BAND_MATRIX.dot(self._measure_power(samples)))
            self._floor_db += _FLOOR_FALL_RATIO * (bands_db - self._floor_db)

    def describe(
        self,
        samples: npt.NDArray[np.int16],
        level: float,
        *,
        zcr_ratio: float,
        is_voice: bool,
        noise_floor: float,
    ) -> FrameReading:
        """Describe one frame.

        Args:
            samples: int16 [shape=(160,), mono, 8 kHz].
            level: RMS of the frame in int16 units.
            zcr_ratio: Zero crossings per sample, 0..1.
            is_voice: What WebRTC VAD says of the frame.
            noise_floor: The line's noise, RMS in int16 units.
        """
        power = self._measure_power(samples)
        bands = _BAND_MATRIX.dot(power)
        bands_db = _decibels(bands)
        row = np.empty(FEATURE_COUNT, _SINGLE)
        over_floor = row[:BAND_COUNT]
        np.subtract(bands_db, self._floor_db, out=over_floor)
        moved = _FLOOR_FALL_RATIO * over_floor
        self._floor_db += np.minimum(moved, _FLOOR_RISE_DB, out=moved)
        mean_db = bands_db.dot(_BAND_MEAN, np.empty((), _SINGLE))
        shape = row[BAND_COUNT : 2 * BAND_COUNT]
        np.subtract(bands_db, mean_db, out=shape)
        moved_db, moved_last_db = self._follow_shape(shape)
        harmonicity, octaves = _measure_pitch(power)
        glide = self._follow_pitch(harmonicity, octaves)
        concentration = _measure_concentration(power)
        level_db = 20.0 * math.log10(max(level, 1.0))
        self._peak_db = max(level_db, self._peak_db - _PEAK_FALL_DB)
        _SCALARS.pack_into(
            row.data,
            _SCALARS_AT,
            level_db - 20.0 * math.log10(noise_floor),
            level_db - self._peak_db,
            level_db - self._last_level_db,
            10.0 * harmonicity,
            10.0 * octaves,
            10.0 * glide,
            10.0 * math.log10(float(bands.dot(_BAND_MEAN)) + 1e-3) - float(mean_db),
            20.0 * concentration,
            moved_db,
            moved_last_db,
            20.0 * zcr_ratio,
            10.0 * is_voice,
            0.2 * min(self._gap_frames, _LONGEST_GAP_FRAMES),
            max(over_floor.tolist()),
        )
        np.minimum(np.maximum(row, _LOWEST_DB, out=row), _HIGHEST_DB, out=row)
        row *= _SCALE
        self._last_level_db = level_db
        self._gap_frames = self._silent_frames = 0
        return FrameReading(row, power, concentration)

    def _follow_pitch(self, harmonicity: float, octaves: float) -> float:
        """Take the pitch of a frame; return how far it has glided, 1 octave where it is new."""
        glide = 1.0
        if min(harmonicity, self._last_harmonicity) > _VOICED_HARMONICITY:
            glide = min(abs(octaves - self._last_octaves), 1.0)
        self._last_harmonicity, self._last_octaves = harmonicity, octaves
        return glide

    def _measure_power(self, samples: npt.NDArray[np.int16]) -> FloatArray:
        """Return the power of the bins of this frame and the one before."""
        windowed = np.concatenate((self._previous, samples), dtype=_SINGLE)
        windowed *= _WINDOW
        spectrum = transform_in_double(windowed.astype(_DOUBLE))
        self._previous = samples
        parts = spectrum.view(_SINGLE)
        parts *= parts
        return parts[::2] + parts[1::2]

    def _follow_shape(self, shape: FloatArray) -> tuple[float, float]:
        """Return by how much the shape has changed since four frames ago, and since the last."""
        place = self._number & 3
        moved = self._earlier - shape
        moved_db = np.abs(moved, out=moved).dot(_BAND_MEAN).tolist()
        self._earlier[place] = shape
        self._number += 1
        return moved_db[place], moved_db[place - 1]


def _decibels(bands: FloatArray) -> FloatArray:
    levels_db = np.maximum(bands, _LEAST_POWER)
    np.log10(levels_db, out=levels_db)
    levels_db *= _TEN
    return levels_db


def _measure_concentration(power: FloatArray) -> float:
    in_band = power[_IN_BAND]
    total = float(in_band.dot(_BIN_ONES)) + 1e-3
    return float(in_band.dot(in_band)) / (total * total)


def _measure_pitch(power: FloatArray) -> tuple[float, float]:
    """Return (harmonicity, octaves of the period over 160 Hz's)."""
    correlation = inverse(power, out=np.empty(_WINDOW_SAMPLES, _SINGLE))
    lags = correlation[_PITCH_LAGS] * _LAG_WEIGHT
    best = int(lags.argmax())
    harmonicity = float(lags[best]) / (float(correlation[0]) + 1e-3)
    octaves = math.log2((best + _LOWEST_LAG) / _SHORTEST_PERIOD)
    return min(max(harmonicity, 0.0), 1.0), octaves
