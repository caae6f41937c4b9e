"""Levels as a meter shows them."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxgate.observe.desk.shown_levels import (
    FLOOR_DBFS,
    dbfs_of_rms,
    fine_dbfs_of_rms,
    finite_tenth,
    rounded_dbfs,
)


@pytest.mark.parametrize(
    ("level_rms", "dbfs"), [(32_768.0, 0), (3276.8, -20), (0.0, FLOOR_DBFS), (math.nan, FLOOR_DBFS)]
)
def test_a_level_in_whole_decibels(level_rms: float, dbfs: int) -> None:
    """Full scale is 0, silence the floor, and so is what is no number."""
    assert dbfs_of_rms(level_rms) == dbfs


@given(st.floats(allow_nan=True, allow_infinity=True))
@example(5e-324)
@example(math.inf)
def test_whatever_was_measured_a_meter_can_show_it(value: float) -> None:
    """From the floor to 0, or nothing."""
    assert FLOOR_DBFS <= dbfs_of_rms(value) <= 0
    assert FLOOR_DBFS <= fine_dbfs_of_rms(value) <= 0.0
    shown = rounded_dbfs(value)
    assert shown is None or FLOOR_DBFS <= shown <= 0
    tenth = finite_tenth(value)
    assert tenth is None or math.isfinite(tenth)


def test_nothing_stays_nothing() -> None:
    """What was not measured is not shown as silence."""
    assert rounded_dbfs(None) is None
    assert finite_tenth(None) is None
    assert finite_tenth(1.26) == 1.3
