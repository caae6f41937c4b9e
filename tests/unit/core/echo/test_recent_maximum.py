"""The greatest of the newest values, against looking at all of them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.echo.recent_maximum import RecentMaximum


@given(st.integers(1, 6), st.lists(st.integers(-3, 3).map(float), max_size=40))
def test_it_is_the_greatest_of_the_newest(span: int, values: list[float]) -> None:
    """Whatever comes, with equal values too, after every value."""
    recent = RecentMaximum(span)
    for number, value in enumerate(values):
        recent.push(value)
        assert recent.value == max(values[max(0, number + 1 - span) : number + 1])


def test_of_none_it_is_minus_infinity() -> None:
    """At first, and after all was forgotten."""
    recent = RecentMaximum(2)
    assert recent.value == -math.inf
    recent.push(5.0)
    recent.clear()
    assert recent.value == -math.inf
    recent.push(-7.0)
    assert recent.value == -7.0
