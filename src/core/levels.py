"""Level and zero crossings of one frame: the cheap measurements that every other stage starts from.

Invariant: a measurement of int16 samples is computed without rounding up to the last step, so the
same samples read the same on every machine.
"""

from __future__ import annotations

__all__ = ["Samples", "peak", "rms", "zero_crossing_ratio"]

import math
import sys
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16] | NDArray[np.float32]
"""int16, or float32 in the same units [shape=(n,), mono, any rate]."""

_INT16, _FLOAT64 = np.dtype(np.int16), np.dtype(np.float64)
_HIGH_BYTES = slice(int(sys.byteorder == "little"), None, 2)
"""Of int16 samples: those that hold the sign."""


def rms(samples: Samples) -> float:
    """Return the root mean square in int16 units, 0..32768; 0 for no samples.

    The DC part counts: it is what the line delivers.
    """
    n_samples = samples.size
    if n_samples == 0:
        return 0.0
    # float64 holds every sum of up to 2**23 squared int16 values exactly, in whatever order the
    # dot product adds them; float32 would not, and int16 or int32 would overflow.
    wide = samples.astype(_FLOAT64)
    return math.sqrt(wide.dot(wide) / n_samples)


def zero_crossing_ratio(samples: Samples) -> float:
    """Return how many neighbouring pairs of samples differ in sign, per pair, 0..1.

    Zero counts as positive, so that digital silence has no crossings, and a signal that touches
    zero from above does not cross it. Fewer than two samples have none.
    """
    n_pairs = samples.size - 1
    if n_pairs < 1:
        return 0.0
    # A sign a byte, as one long number: where it changes is counted sooner by that than by NumPy.
    if samples.dtype == _INT16:
        signs = int.from_bytes(samples.tobytes()[_HIGH_BYTES], "little") & _sign_bits(n_pairs + 1)
    else:
        signs = int.from_bytes((samples < 0).tobytes(), "little") << 7
    last = signs >> 8 * n_pairs
    return ((signs ^ signs >> 8).bit_count() - last.bit_count()) / n_pairs


@lru_cache(maxsize=8)
def _sign_bits(n_samples: int) -> int:
    """Return the highest bit of so many bytes."""
    return int.from_bytes(b"\x80" * n_samples, "little")


def peak(samples: Samples) -> float:
    """Return the largest magnitude in int16 units, 0..32768; 0 for no samples."""
    if samples.size == 0:
        return 0.0
    # Not abs(): the magnitude of -32768 is no int16.
    highest = float(samples[samples.argmax()])
    lowest = float(samples[samples.argmin()])
    return max(highest, -lowest)
