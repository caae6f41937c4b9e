"""What the echo filter says about one frame, and which power lies in which row.

Invariant: the rows' numbers are those of the array that the filter writes.
"""

from __future__ import annotations

__all__ = ["EchoEstimate", "PowerRow"]

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class PowerRow(IntEnum):
    """Rows of :attr:`EchoEstimate.powers`."""

    UNCERTAINTY = 0
    """Half the expected power of the echo that is left."""
    ERROR = 1
    """The residual of this frame alone, times 4."""
    RESIDUAL = 2
    ECHO = 3
    CAPTURE = 4
    """These three under a Hann window over two frames."""
    FAR_END = 5
    """Two frames of what was sent."""


@dataclass(slots=True)
class EchoEstimate:
    """What the filter says about one frame."""

    residual: FloatArray
    """Capture minus echo estimate, float32 [shape=(160,)], scaled to +-1."""
    powers: FloatArray
    """Powers per bin, all to one scale, float32 [shape=(6, 161)], see :class:`PowerRow`; a view
    that the next frame overwrites."""
    autocorrelation: FloatArray
    """Of the residual under a Hann window, float32 [shape=(320,)]; a frame late, as it shares a
    transform with the next one."""
    is_adapting: bool
    """Whether the far end was active inside the filter's span."""
