"""Fourier transforms of rows of 320 real samples in single precision, without ceremony.

`numpy.fft` spends more time on its arguments than on transforming a row. The ufuncs behind it do
not, but they are not public: where they are missing, or do something else, `numpy.fft` is used.
Invariant: both ways give the same results, up to rounding.
"""

from __future__ import annotations

__all__ = ["SAMPLES", "inverse", "transform", "transform_in_double"]

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .operands import operand

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]
Transform = Callable[[FloatArray, ComplexArray], object]
Inverse = Callable[[ComplexArray | FloatArray, FloatArray], object]
DoubleTransform = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.complex128]]

SAMPLES: Final = 320
"""Samples of a row: two frames."""

_BINS: Final = SAMPLES // 2 + 1
_ONE: Final = operand(1.0)
_ONE_IN_DOUBLE: Final = np.ones((), np.float64)
_INVERSE_SCALE: Final = operand(1.0 / SAMPLES)


def public_transform(rows: FloatArray, out: ComplexArray) -> None:
    """Do what `transform` does by the public function."""
    out[...] = np.fft.rfft(rows)


def public_inverse(rows: ComplexArray | FloatArray, out: FloatArray) -> None:
    """Do what `inverse` does by the public function."""
    out[...] = np.fft.irfft(rows, SAMPLES)


def choose(ufuncs: Any) -> tuple[Transform, Inverse]:
    """Return the transforms to use: those of NumPy's ufuncs if they do what is asked of them.

    Args:
        ufuncs: NumPy's private module, or anything else.
    """
    try:
        forward, backward = ufuncs.rfft_n_even, ufuncs.irfft

        def direct_transform(rows: FloatArray, out: ComplexArray) -> object:
            return forward(rows, _ONE, out=out)

        def direct_inverse(rows: ComplexArray | FloatArray, out: FloatArray) -> object:
            return backward(rows, _INVERSE_SCALE, out=out)

        if _is_right(direct_transform, direct_inverse):
            return direct_transform, direct_inverse
    except (AttributeError, TypeError, ValueError):
        pass
    return public_transform, public_inverse


def choose_double(ufuncs: Any) -> DoubleTransform:
    """Return `numpy.fft.rfft` of rows in double precision, to the bit, in the soonest way.

    Args:
        ufuncs: As in :func:`choose`.
    """
    public: DoubleTransform = np.fft.rfft
    try:
        forward = ufuncs.rfft_n_even

        def direct(row: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
            spectrum = np.empty(_BINS, np.complex128)
            forward(row, _ONE_IN_DOUBLE, out=spectrum)
            return spectrum

        row = _uneven(SAMPLES)
        return direct if np.array_equal(direct(row), public(row)) else public
    except (AttributeError, TypeError, ValueError):
        return public


def _is_right(forward: Transform, backward: Inverse) -> bool:
    rows = _uneven(2 * SAMPLES).reshape(2, SAMPLES).astype(np.float32)
    spectra, again = np.empty((2, SAMPLES // 2 + 1), np.complex64), np.empty_like(rows)
    forward(rows, spectra)
    backward(spectra, again)
    is_forward = np.allclose(spectra, np.fft.rfft(rows), atol=1e-4)
    return bool(is_forward and np.allclose(again, rows, atol=1e-5))


def _uneven(n_samples: int) -> npt.NDArray[np.float64]:
    """Return samples that no mistake gets right; NumPy's generators take time to be loaded."""
    return np.asarray(np.sin(np.arange(n_samples) ** 2.0), np.float64)


_UFUNCS: Final = getattr(np.fft, "_pocketfft_umath", None)
_TRANSFORM, _INVERSE = choose(_UFUNCS)
_TRANSFORM_IN_DOUBLE: Final = choose_double(_UFUNCS)


def transform(rows: FloatArray, out: ComplexArray) -> ComplexArray:
    """Transform each row.

    Args:
        rows: float32 [shape=(..., 320)].
        out: Where to write the spectra, complex64 [shape=(..., 161)].

    Returns:
        `out`.
    """
    _TRANSFORM(rows, out)
    return out


def transform_in_double(row: npt.NDArray[np.float64]) -> ComplexArray:
    """Transform one row in double precision, and round: `numpy.fft.rfft` of float32, to the bit.

    Args:
        row: float64 [shape=(320,)].

    Returns:
        complex64 [shape=(161,)].
    """
    return _TRANSFORM_IN_DOUBLE(row).astype(np.complex64)


def inverse(rows: ComplexArray | FloatArray, out: FloatArray) -> FloatArray:
    """Undo :func:`transform`.

    Args:
        rows: complex64, or float32 where all is real [shape=(..., 161)]. The
            latter are computed in double precision and rounded.
        out: Where to write the samples, float32 [shape=(..., 320)].

    Returns:
        `out`.
    """
    _INVERSE(rows, out)
    return out
