"""The level of the line when nobody speaks, by minimum statistics.

The power of a line falls to the noise between words, so its minimum over some time is the noise,
whatever its level. What is steady is followed up within 2 s; what is not, as fluent speech, is
given 5 s in which it has to pause. A fall is followed at once.
Source: R. Martin, "Noise power spectral density estimation based on optimal smoothing and
minimum statistics", IEEE Trans. Speech and Audio Processing 9(5), 2001; here on the whole band.
Invariant: no level condition stands between the estimate and the line, since a floor that is
updated only near itself never follows steady noise up.
"""

from __future__ import annotations

__all__ = ["NoiseFloor"]

import math
from array import array

_SMOOTHING = 0.2
"""Less than the source's 0.7, which is for the bins of a spectrum: the level of a whole frame is
steady as it is, and fluent speech shows the noise for two or three frames at a time only."""
_WINDOW_FRAMES = 11
_STEADY_WINDOWS = 8
"""8 windows of 220 ms: a rise is followed within 2 s, the window in which it began included."""
_WINDOWS = 24
"""5.3 s in which speech pauses."""
_BIAS = 1.4
"""Mean over minimum of the smoothed power of steady noise in 1.8 s: measured over a telephone's
band, 1.3 for white noise, 1.4 for pink and 1.7 for brown."""
_STEADY_RATIO = 7.0
"""Median of the windows' mean powers over the second lowest of their minima, below which a line is
steady: 5 % of brown noise, which swells most, is above 5, and 5 % of speech whose pauses were cut
out is below 10 (measured over 1.8 s on three voices)."""


class NoiseFloor:
    """The noise floor of one call.

    Args:
        initial_rms: Where it starts, RMS in int16 units.
    """

    __slots__ = (
        "_frame_count",
        "_held",
        "_means",
        "_minima",
        "_smoothed",
        "_sum",
        "_window_minimum",
        "rms",
    )

    def __init__(self, initial_rms: float) -> None:
        self.rms = initial_rms
        """The floor, RMS in int16 units."""
        self._smoothed = initial_rms**2 / _BIAS
        self._minima = array("d", [self._smoothed]) * _WINDOWS
        self._means = array("d", [self._smoothed]) * _STEADY_WINDOWS
        self._held = self._smoothed
        self._window_minimum = math.inf
        self._sum = 0.0
        self._frame_count = 0

    def update(self, level: float) -> None:
        """Learn from one 20 ms frame of the line.

        Args:
            level: RMS of the frame in int16 units.
        """
        self._smoothed = _SMOOTHING * self._smoothed + (1 - _SMOOTHING) * level * level
        self._sum += self._smoothed
        if self._smoothed < self._window_minimum:
            self._window_minimum = self._smoothed
        self._frame_count += 1
        if self._frame_count == _WINDOW_FRAMES:
            self._close_window()
        self.rms = max(1.0, math.sqrt(_BIAS * min(self._held, self._window_minimum)))

    def _close_window(self) -> None:
        del self._minima[0], self._means[0]
        self._minima.append(self._window_minimum)
        self._means.append(self._sum / _WINDOW_FRAMES)
        recent = sorted(self._minima[-_STEADY_WINDOWS:])
        is_steady = sorted(self._means)[_STEADY_WINDOWS // 2] <= _STEADY_RATIO * recent[1]
        self._held = recent[0] if is_steady else min(self._minima)
        self._window_minimum = math.inf
        self._sum = 0.0
        self._frame_count = 0
