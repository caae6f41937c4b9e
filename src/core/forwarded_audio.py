"""Which sound of a captured frame the provider gets: as it came, or without the agent's echo.

The echo filter of the near-end detector works at 8 kHz. What it takes the echo for is subtracted
from the frame in the frame's own format, so that at higher rates the band above 4 kHz stays as it
was. Invariant: a frame of an 8 kHz line that the filter leaves as it is leaves as it came, to the
bit, companded or not.
"""

from __future__ import annotations

__all__ = ["EchoCanceller", "EchoSubtractor"]

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from . import g711
from .audio import AudioFormat
from .echo.operands import operand
from .resample import Resampler

_FILTER_RATE_HZ = 8000
_FULL_SCALE = operand(32768.0)
_LOWEST, _HIGHEST = operand(-32768.0), operand(32767.0)
_WHOLE = np.dtype(np.int16).char

Samples = npt.NDArray[np.int16]
Residual = npt.NDArray[np.int16 | np.float32]


@runtime_checkable
class EchoCanceller(Protocol):
    """A near-end detector whose own filter takes the echo out of what it judges."""

    @property
    def residual(self) -> Residual | None:
        """The last captured frame without echo, float32 [shape=(160,), mono, 8 kHz], scaled to +-1.

        Continuous from frame to frame. Of int16 where there was no echo to be taken out; None where
        the frame has not been through the filter.
        """


class EchoSubtractor:
    """Takes the echo out of one call's captured frames.

    Args:
        capture_format: Format of the frames. At rates other than 8 kHz they leave
            :attr:`delay_samples` later than they came from the first one on that has been through
            the filter, echo or not: the filter's view of them is resampled, and so is the echo
            found. A call without a far end has no such frame.
    """

    __slots__ = ("_behind", "_format", "_has_begun", "_is_settled", "_upsampler")

    def __init__(self, capture_format: AudioFormat) -> None:
        self._format = capture_format
        self._upsampler: Resampler | None = None
        if capture_format.rate_hz != _FILTER_RATE_HZ:
            self._upsampler = Resampler(_FILTER_RATE_HZ, capture_format.rate_hz)
        self._behind = bytes(self.delay_samples * capture_format.sample_bytes)
        """The newest samples captured, which have not left yet."""
        self._has_begun = False
        """A frame has been through the filter."""
        self._is_settled = True
        """All that the upsampler remembers is zero: 20 ms are longer than its memory of 8 ms."""

    @property
    def delay_samples(self) -> int:
        """How much later a frame's sound leaves, in samples of the capture; 0 at 8 kHz."""
        if self._upsampler is None:
            return 0
        # Down and up again take equally long.
        return round(2.0 * self._upsampler.delay_samples)

    def process(self, frame: bytes, samples: Samples, residual: Residual | None) -> bytes:
        """Return a frame without its echo; once for each captured frame, in order.

        Args:
            frame: 20 ms in the capture's format.
            samples: What the filter was shown of it: int16 [shape=(160,), mono, 8 kHz].
            residual: What the filter left of it, float32 [shape=(160,)], +-1; of int16 if that is
                all of it; None if the frame has not been through the filter.
        """
        self._has_begun = self._has_begun or residual is not None
        if not self._has_begun:
            return frame
        cleaned = samples if residual is None else _cleaned(samples, residual)
        if self._upsampler is not None:
            return self._subtract(self._delayed(frame), samples, cleaned, self._upsampler)
        return frame if cleaned is samples else g711.encode(cleaned, self._format)

    def _delayed(self, frame: bytes) -> bytes:
        stream = self._behind + frame
        self._behind = stream[len(frame) :]
        return stream[: len(frame)]

    def _subtract(
        self, delayed: bytes, samples: Samples, cleaned: Samples, upsampler: Resampler
    ) -> bytes:
        if cleaned is samples and self._is_settled:
            return delayed
        echo = _to_int16(samples.astype(np.float32) - cleaned)
        self._is_settled = not echo.any()
        captured = g711.decode(delayed, self._format).astype(np.float32)
        return g711.encode(_to_int16(captured - upsampler.process(echo)), self._format)


def _cleaned(samples: Samples, residual: Residual) -> Samples:
    """Return the residual as int16, or the very samples where the filter found no echo in them."""
    if residual.dtype.char == _WHOLE:
        return samples
    scaled = residual * _FULL_SCALE
    cleaned = _to_int16(scaled)
    captured = samples.tobytes()
    if cleaned.tobytes() == captured and (scaled == samples).all():
        return samples
    # In a frame that the line lost there is no echo either, only what the filter expects.
    return cleaned if captured.strip(b"\0") else samples


def _to_int16(samples: npt.NDArray[np.float32]) -> Samples:
    rounded = np.rint(samples)
    np.maximum(rounded, _LOWEST, out=rounded)
    np.minimum(rounded, _HIGHEST, out=rounded)
    return rounded.astype(np.int16)
