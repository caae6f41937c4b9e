"""Short fades at the start of a frame, so that cutting into speech makes no click.

Invariant: a fade changes no length, and leaves what lies behind the ramp untouched or silent.
"""

from __future__ import annotations

__all__ = ["Fade"]

import numpy as np
from numpy.typing import NDArray

from .audio import FRAME_MS, AudioFormat
from .g711 import decode, encode
from .units import ms_to_samples


class Fade:
    """Fades 20 ms frames of one format, along a raised cosine.

    Args:
        audio_format: Format of the frames.
        fade_ms: Length of the ramp, 0..20; 0 cuts hard.

    Raises:
        ValueError: if ``fade_ms`` is out of its range.
    """

    __slots__ = ("_format", "_gain_in", "_gain_out")

    def __init__(self, audio_format: AudioFormat, fade_ms: float) -> None:
        if not 0 <= fade_ms <= FRAME_MS:
            raise ValueError(f"fade_ms: {fade_ms} is not in 0..{FRAME_MS}")
        self._format = audio_format
        n_ramp = ms_to_samples(fade_ms, audio_format.rate_hz)
        phase = (np.arange(n_ramp) + 0.5) / max(n_ramp, 1)
        ramp = 0.5 - 0.5 * np.cos(np.pi * phase)
        behind = np.ones(audio_format.frame_samples - n_ramp)
        self._gain_in = np.concatenate((ramp, behind))
        self._gain_out = np.concatenate((1.0 - ramp, 0.0 * behind))

    def fade_in(self, frame: bytes) -> bytes:
        """Return the frame rising from silence to its own level."""
        return self._scaled(frame, self._gain_in)

    def fade_out(self, frame: bytes) -> bytes:
        """Return the frame falling from its own level to silence, which fills the rest of it."""
        return self._scaled(frame, self._gain_out)

    def _scaled(self, frame: bytes, gain: NDArray[np.float64]) -> bytes:
        scaled = np.rint(decode(frame, self._format) * gain)
        return encode(scaled.astype(np.int16), self._format)
