"""Long signals as few numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgate.lab.report.envelope import Run, envelope, peaks, runs


@given(hnp.arrays(np.int16, st.integers(1, 300)), st.integers(1, 50))
def test_no_extreme_is_lost(samples: np.ndarray, n_columns: int) -> None:
    """The columns' extremes are the signal's, as long as there is a sample for each."""
    low, high = envelope(samples, n_columns)
    assert len(low) == len(high) == n_columns
    assert (low <= high).all()
    if len(samples) >= n_columns:
        assert low.min() * 32768 == samples.min()
        assert high.max() * 32768 == samples.max()


def test_nothing_is_a_line() -> None:
    """A call without a sample."""
    low, high = envelope(np.zeros(0, np.int16), 5)
    assert low.tolist() == high.tolist() == [0] * 5


def test_a_peak_stands_among_what_is_not_known() -> None:
    """A column without a value has none."""
    values = np.array([np.nan, 3, 1, np.nan, np.nan, np.nan], np.float32)
    first, second, third = peaks(values, 3)
    assert (first, second) == (3, 1)
    assert np.isnan(third)
    assert np.isnan(peaks(np.zeros(0, np.float32), 2)).all()


@given(hnp.arrays(np.int8, st.integers(0, 60), elements=st.integers(-1, 3)))
def test_runs_cover_everything_once(codes: np.ndarray) -> None:
    """Neighbours differ, and put together they are the codes again."""
    found = runs(codes)
    again = [code for first, end, code in found for _ in range(first, end)]
    assert again == codes.tolist()
    assert all(one.code != other.code for one, other in pairwise(found))


def test_a_run_says_where_and_what() -> None:
    """The end is after its last entry."""
    assert runs(np.array([2, 2, 0], np.int8)) == [Run(0, 2, 2), Run(2, 3, 0)]
