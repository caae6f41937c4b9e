"""Moments of a call as people write them."""

from __future__ import annotations

import pytest

from voxgate.lab.call_time import call_time


@pytest.mark.parametrize(
    ("t_ms", "text"),
    [
        (0.0, "0:00.000"),
        (65_660.0, "1:05.660"),
        (59_999.9, "1:00.000"),
        (3_600_000.0, "1:00:00.000"),
        (-20.0, "-0:00.020"),
        (-0.1, "0:00.000"),
    ],
)
def test_minutes_seconds_and_milliseconds(t_ms: float, text: str) -> None:
    """Hours only where there are any; what is rounded up carries over."""
    assert call_time(t_ms) == text


def test_the_fraction_can_be_shorter() -> None:
    """Down to none, for a scale."""
    assert call_time(65_660.0, digits=1) == "1:05.7"
    assert call_time(65_660.0, digits=0) == "1:06"
