"""Turns 20 ms frames of a call down and up again, without a click.

Invariant: the gain of each sample follows on from that of the sample before, and a frame at full
level from its first sample to its last is the very frame that came.
"""

from __future__ import annotations

__all__ = ["FrameGain"]

from functools import cache

import numpy as np
import numpy.typing as npt

from .audio import AudioFormat
from .g711 import decode, encode
from .units import db_to_ratio

Gain = npt.NDArray[np.float64]
"""Of each sample of a frame."""


class FrameGain:
    """The gain of one call's frames: full, or turned down.

    Args:
        audio_format: Format of the frames.
        attenuation_db: By how much they are turned down, 0 or more.

    Raises:
        ValueError: if ``attenuation_db`` is negative.
    """

    __slots__ = ("_down", "_format", "_is_down", "_ramp_down", "_ramp_up", "attenuation_db")

    def __init__(self, audio_format: AudioFormat, attenuation_db: float) -> None:
        if not attenuation_db >= 0.0:
            raise ValueError(f"attenuation_db: {attenuation_db} is not 0 or more")
        self.attenuation_db = attenuation_db
        """Of frames turned down, in dB."""
        self._format = audio_format
        self._down, self._ramp_down, self._ramp_up = _make_gains(
            audio_format.frame_samples, attenuation_db
        )
        self._is_down = False

    def restart(self, *, is_down: bool) -> None:
        """Begin at a gain, after silence: there is nothing to follow on from."""
        self._is_down = is_down

    def process(self, frame: bytes, *, is_down: bool) -> bytes:
        """Return the next 20 ms frame; if the gain changes, it does so evenly over the frame.

        Args:
            frame: In the format of the call.
            is_down: Whether the gain is down at the frame's end.
        """
        was_down, self._is_down = self._is_down, is_down
        if was_down:
            return self._scaled(frame, self._down if is_down else self._ramp_up)
        return self._scaled(frame, self._ramp_down) if is_down else frame

    def _scaled(self, frame: bytes, gain: Gain) -> bytes:
        scaled = np.rint(decode(frame, self._format) * gain)
        return encode(scaled.astype(np.int16), self._format)


@cache
def _make_gains(n_samples: int, attenuation_db: float) -> tuple[Gain, Gain, Gain]:
    """Return the gains of a frame turned down, on its way down, and up; calls share them."""
    down = db_to_ratio(-attenuation_db)
    share = np.arange(1, n_samples + 1) / n_samples
    return np.full(n_samples, down), 1.0 + (down - 1.0) * share, down + (1.0 - down) * share
