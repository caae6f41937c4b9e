"""The tones of the telephone network, told by their spectral lines: exactly, never by a guess.

A tone is one line or two that hold nearly all of the power, at frequencies of the standards. Voices
have many lines, and noise none. Invariant: pure functions of one frame's spectrum.
"""

from __future__ import annotations

__all__ = ["ToneKind", "detect_tone"]

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_BIN_HZ: Final = 25.0
_IN_BAND: Final = slice(8, 157)
"""Bins of 200..3900 Hz: hum below does not hide a tone."""
_PLACES: Final = np.arange(161.0)
_BAND_ONES: Final = np.ones(_IN_BAND.stop - _IN_BAND.start, np.float32)
_LOBE_BINS: Final = 3
"""Bins to each side of a line that its lobe reaches; two lines 40 Hz apart are one."""
_LINES_SHARE: Final = 0.93
"""Power in the lines, of that in the band: 11 dB over everything else. Voices that hold as much in
two lines hold them at the frequencies below for a frame or two at most."""
_SURE_SHARE: Final = 0.9299
"""Below it, by sums in whatever order and precision, it is below for sure."""
_SECOND_SHARE: Final = 0.04
"""Below it the second line is a harmonic or noise: ITU-T Q.24 lets the levels of a DTMF pair differ
by 10 dB at most."""

_PROGRESS_HZ: Final[tuple[float, ...]] = (392.0, 488.0)
"""Dial, ringing and busy tones of one frequency or two close ones: ITU-T E.180/Q.35 recommends
400..450 Hz, and Supplement 2 lists 440 + 480 Hz beside it."""
_PROGRESS_PAIRS_HZ: Final[tuple[tuple[tuple[float, float], ...], ...]] = (
    ((335.0, 385.0), (418.0, 470.0)),
    ((460.0, 500.0), (600.0, 640.0)),
)
"""The other pairs of E.180 Supplement 2, 350 + 440 or 450 Hz and 480 + 620 Hz, as far as 40 ms can
tell their lines apart."""
_FAX_HZ: Final[tuple[tuple[float, float], ...]] = ((1100.0, 38.0), (2100.0, 25.0))
"""Calling tone and answer tone with their tolerances: ITU-T T.30 clause 4.3, V.25."""
_SPECIAL_HZ: Final[tuple[tuple[float, float], ...]] = (
    (950.0, 50.0),
    (1400.0, 50.0),
    (1800.0, 50.0),
)
"""The special information tone's three: ITU-T E.180/Q.35 clause 4."""
_DTMF_LOW_HZ: Final[tuple[float, ...]] = (697.0, 770.0, 852.0, 941.0)
_DTMF_HIGH_HZ: Final[tuple[float, ...]] = (1209.0, 1336.0, 1477.0, 1633.0)
"""Push-button signals: ITU-T Q.23."""
_DTMF_TOLERANCE: Final = 0.025
"""Q.24 wants 1.5 to 1.8 % accepted; the rest is for the resolution of 40 ms."""


class ToneKind(StrEnum):
    """What a tone stands for."""

    CALL_PROGRESS = "call_progress"
    """Dial, ringing or busy."""
    DTMF = "dtmf"
    FAX = "fax"
    SPECIAL_INFORMATION = "special_information"


def detect_tone(power: FloatArray) -> ToneKind | None:
    """Return which tone a frame is, or None.

    Args:
        power: Of the bins of a 320-sample Hann window at 8 kHz, float32 [shape=(161,)].
    """
    if _has_more_lines(power):
        return None
    band = power.copy()
    total = float(np.add.reduce(band[_IN_BAND]))
    if total <= 0.0:
        return None
    band[: _IN_BAND.start] = 0.0
    first = _take_line(band)
    second = _take_line(band)
    if first.power + second.power < _LINES_SHARE * total:
        return None
    if second.power < _SECOND_SHARE * total:
        return _single_tone(first.frequency_hz)
    low_hz, high_hz = sorted((first.frequency_hz, second.frequency_hz))
    return _pair_of_tones(low_hz, high_hz)


def _has_more_lines(power: FloatArray) -> bool:
    """Return whether two lines are far from all there is: most voices are told by that, for less.

    Args:
        power: As in :func:`detect_tone`.
    """
    band = power[_IN_BAND.start :].copy()
    total = float(band[: len(_BAND_ONES)].dot(_BAND_ONES))
    return _take_sum(band) + _take_sum(band) < _SURE_SHARE * total


def _take_sum(band: FloatArray) -> float:
    """Return the power of the strongest line as :func:`_take_line` does, but for its rounding."""
    best = int(band.argmax())
    lobe = band[max(0, best - _LOBE_BINS) : best + _LOBE_BINS + 1]
    total: float = sum(lobe.tolist())
    lobe.fill(0.0)
    return total


class _Line(NamedTuple):
    """A spectral line."""

    power: float
    first_bin: int
    lobe: FloatArray
    """Of its bins, from the first on."""

    @property
    def frequency_hz(self) -> float:
        """The middle of its lobe; most lines are of no tone, and nobody asks."""
        places = _PLACES[self.first_bin : self.first_bin + len(self.lobe)]
        return _BIN_HZ * float(self.lobe @ places) / max(self.power, 1e-9)


def _take_line(band: FloatArray) -> _Line:
    """Return the strongest line, and take it out of the band, in place."""
    best = int(band.argmax())
    first_bin = max(0, best - _LOBE_BINS)
    lobe = band[first_bin : best + _LOBE_BINS + 1]
    line = _Line(float(np.add.reduce(lobe)), first_bin, lobe.copy())
    lobe.fill(0.0)
    return line


def _single_tone(frequency_hz: float) -> ToneKind | None:
    if _PROGRESS_HZ[0] <= frequency_hz <= _PROGRESS_HZ[1]:
        return ToneKind.CALL_PROGRESS
    if _is_one_of(frequency_hz, _FAX_HZ):
        return ToneKind.FAX
    if _is_one_of(frequency_hz, _SPECIAL_HZ):
        return ToneKind.SPECIAL_INFORMATION
    return None


def _pair_of_tones(low_hz: float, high_hz: float) -> ToneKind | None:
    for low, high in _PROGRESS_PAIRS_HZ:
        if low[0] <= low_hz <= low[1] and high[0] <= high_hz <= high[1]:
            return ToneKind.CALL_PROGRESS
    if _is_near(low_hz, _DTMF_LOW_HZ) and _is_near(high_hz, _DTMF_HIGH_HZ):
        return ToneKind.DTMF
    return None


def _is_one_of(frequency_hz: float, tones: tuple[tuple[float, float], ...]) -> bool:
    return any(abs(frequency_hz - tone_hz) <= within_hz for tone_hz, within_hz in tones)


def _is_near(frequency_hz: float, tones_hz: tuple[float, ...]) -> bool:
    return any(abs(frequency_hz - tone_hz) <= _DTMF_TOLERANCE * tone_hz for tone_hz in tones_hz)
