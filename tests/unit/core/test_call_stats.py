"""A call's counters."""

from __future__ import annotations

from dataclasses import fields

import pytest

from voxgate.core.call_stats import CallStats


def test_every_counter_starts_at_zero() -> None:
    """A call in which nothing happened has nothing to show."""
    stats = CallStats()
    assert {getattr(stats, counter.name) for counter in fields(stats)} == {0}


def test_a_misspelt_counter_is_an_error() -> None:
    """Counting what is not a counter raises instead of counting nowhere."""
    with pytest.raises(AttributeError):
        CallStats().forwarded_frame = 1  # type: ignore[attr-defined]
