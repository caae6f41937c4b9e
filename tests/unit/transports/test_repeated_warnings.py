"""A warning is told once and counted each time; everything else passes."""

from __future__ import annotations

from voxgate.transports.base import LineDtmf, LineWarning
from voxgate.transports.repeated_warnings import RepeatedWarnings


def test_a_warning_is_told_once_and_counted():
    """By its code, whatever its detail; across calls of the method and within one."""
    warnings = RepeatedWarnings()
    key, odd, other = LineDtmf("1"), LineWarning("odd", "a"), LineWarning("other")
    assert warnings.without_repeats([key, odd, odd, key]) == [key, odd, key]
    assert warnings.without_repeats([LineWarning("odd", "b"), other]) == [other]
    assert warnings.counts == {"odd": 3, "other": 1}
