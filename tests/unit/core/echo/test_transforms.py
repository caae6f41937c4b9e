"""Transforms of rows: the public functions' results, by whichever way there is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from voxgate.core.echo import transforms
from voxgate.core.echo.transforms import (
    SAMPLES,
    choose,
    choose_double,
    inverse,
    public_inverse,
    public_transform,
    transform,
    transform_in_double,
)

ROWS = np.random.default_rng(1).standard_normal((3, SAMPLES)).astype(np.float32)
SPECTRA = np.fft.rfft(ROWS.astype(np.float64))


def _fails(*_: object, **__: object) -> None:
    raise TypeError("another signature")


def _does_nothing(*_: object, **__: object) -> None:
    """As if the function had become another one."""


def test_numpys_own_functions_are_found() -> None:
    """A release of NumPy that hides them costs 10 us a frame: to be noticed, not to be suffered."""
    assert transforms._TRANSFORM is not public_transform
    assert transforms._INVERSE is not public_inverse


@pytest.mark.parametrize("shape", [(3, SAMPLES), (SAMPLES,)])
def test_rows_are_transformed_and_back(shape: tuple[int, ...]) -> None:
    """As the public functions do in double precision, into the arrays given."""
    rows = np.resize(ROWS, shape)
    spectra = np.empty((*shape[:-1], SAMPLES // 2 + 1), np.complex64)
    assert transform(rows, out=spectra) is spectra
    np.testing.assert_allclose(spectra, np.resize(SPECTRA, spectra.shape), atol=1e-4)
    again = np.empty_like(rows)
    assert inverse(spectra, out=again) is again
    np.testing.assert_allclose(again, rows, atol=1e-5)


@pytest.mark.parametrize(
    "ufuncs",
    [
        None,
        SimpleNamespace(rfft_n_even=_fails, irfft=_fails),
        SimpleNamespace(rfft_n_even=_does_nothing, irfft=_does_nothing),
        SimpleNamespace(irfft=_does_nothing),
    ],
)
def test_without_numpys_own_the_public_functions_do(ufuncs: object) -> None:
    """Missing, changed or wrong, they are not used; what is used in their place is right."""
    forward, backward = choose(ufuncs)
    assert (forward, backward) == (public_transform, public_inverse)
    spectra, again = np.empty(SPECTRA.shape, np.complex64), np.empty_like(ROWS)
    forward(ROWS, spectra)
    backward(spectra, again)
    np.testing.assert_allclose(spectra, SPECTRA, atol=1e-4)
    np.testing.assert_allclose(again, ROWS, atol=1e-5)
    assert choose_double(ufuncs) is np.fft.rfft


def test_double_precision_is_numpys_to_the_bit() -> None:
    """Recorded calls were decided by `numpy.fft`: what stands in its place changes no bit."""
    assert transforms._TRANSFORM_IN_DOUBLE is not np.fft.rfft
    for scale in (1e-3, 1.0, 1e4):
        row = (ROWS[0] * np.float32(scale)).astype(np.float32)
        spectrum = transform_in_double(row.astype(np.float64))
        assert spectrum.tobytes() == np.fft.rfft(row).tobytes()
        power = np.abs(spectrum) ** 2
        again = inverse(power, out=np.empty(SAMPLES, np.float32))
        assert again.tobytes() == np.fft.irfft(power, SAMPLES).tobytes()
