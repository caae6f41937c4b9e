"""The Wilson score interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.lab.evaluate.wilson import wilson_interval


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # Published: Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # By hand, z = 1.96: 0.5 +- 1.96 sqrt(0.025 + 3.8416 / 400) / (1 + 0.38416), and
        # 20 / (20 + 3.8416).
        (5, 10, 0.2366, 0.7634),
        (20, 20, 0.8389, 1.0000),
    ],
)
def test_the_bounds_are_those_published(count: int, of: int, low: float, high: float) -> None:
    """To four digits."""
    assert wilson_interval(count, of) == pytest.approx((low, high), abs=5e-5)


@given(st.data(), st.integers(1, 5000))
def test_the_interval_holds_the_share_and_stays_in_0_to_1(data: st.DataObject, of: int) -> None:
    """For every count, and it is as wide mirrored."""
    count = data.draw(st.integers(0, of))
    low, high = wilson_interval(count, of)
    assert 0.0 <= low <= count / of <= high <= 1.0
    mirrored = wilson_interval(of - count, of)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("count", "of"), [(0, 0), (-1, 4), (5, 4)])
def test_what_is_no_share_is_refused(count: int, of: int) -> None:
    """An interval for it would be made up."""
    with pytest.raises(ValueError, match=f"{count} of {of} is not a share"):
        wilson_interval(count, of)
