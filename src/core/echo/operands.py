"""Numbers that whole rows are added to, multiplied with or bounded by.

Invariant: they are single precision, so that NumPy computes in it, and read-only.
"""

from __future__ import annotations

__all__ = ["operand"]

import numpy as np
import numpy.typing as npt


def operand(value: float) -> npt.NDArray[np.float32]:
    """Return a number as NumPy takes it soonest, float32 [shape=()].

    A scalar such as ``np.float32(2)`` becomes an array with every call, which takes longer than
    the row of 160 that it is added to.
    """
    made = np.array(value, np.float32)
    made.setflags(write=False)
    return made
