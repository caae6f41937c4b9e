"""Long signals as few numbers: the extremes of what each column of a picture shows.

Invariant: every sample is in a column, and a column's extremes are those of its samples.
"""

from __future__ import annotations

__all__ = ["Run", "envelope", "peaks", "runs"]

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Run(NamedTuple):
    """Entries one after the other that hold the same code."""

    first: int
    end: int
    """After the last."""
    code: int


def envelope(
    samples: NDArray[np.int16], n_columns: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and highest sample of each column, as shares of full scale.

    Args:
        samples: int16 [shape=(n,)]; n may be less than the columns, which then repeat samples.
        n_columns: How many columns share them, 1 or more.
    """
    if not len(samples):
        empty = np.zeros(n_columns, np.float32)
        return empty, empty
    edges = _edges(len(samples), n_columns)
    full_scale = np.float32(32768)
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    return low.astype(np.float32) / full_scale, high.astype(np.float32) / full_scale


def peaks(values: NDArray[np.float32], n_columns: int) -> NDArray[np.float32]:
    """Return the greatest value of each column, NaN where it has none.

    Args:
        values: float32 [shape=(n,)], NaN where nothing was measured.
        n_columns: How many columns share them, 1 or more.
    """
    if not len(values):
        return np.full(n_columns, np.nan, np.float32)
    known = np.where(np.isnan(values), -np.inf, values)
    greatest = np.maximum.reduceat(known, _edges(len(values), n_columns))
    return np.where(np.isinf(greatest), np.nan, greatest).astype(np.float32)


def runs(codes: NDArray[np.int8]) -> list[Run]:
    """Return the stretches of equal codes, in order."""
    if not len(codes):
        return []
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    return [Run(first, end, int(codes[first])) for first, end in pairwise(edges)]


def _edges(n_values: int, n_columns: int) -> NDArray[np.intp]:
    """Return where each column begins; with fewer values than columns some begin alike."""
    edges = np.arange(n_columns) * n_values // n_columns
    return np.minimum(edges, n_values - 1).astype(np.intp)
