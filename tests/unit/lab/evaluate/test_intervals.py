"""Interval arithmetic, against the same arithmetic done ms by ms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voxgate.lab.evaluate.intervals import (
    Interval,
    clipped,
    complement,
    intersection,
    merged,
    total_ms,
    widened,
)

_END = 60
times = st.integers(0, _END)
many = st.lists(st.tuples(times, times), max_size=8)


def _marks(intervals: list[Interval] | tuple[Interval, ...]) -> NDArray[np.bool_]:
    marks = np.zeros(_END + 20, np.bool_)
    for start, end in intervals:
        marks[int(start) : int(end)] = True
    return marks


def _is_canonical(intervals: tuple[Interval, ...]) -> bool:
    edges = [edge for interval in intervals for edge in interval]
    return edges == sorted(set(edges))


@given(many)
def test_merging_keeps_every_ms_and_adds_none(intervals: list[Interval]) -> None:
    """The union, canonical: sorted, apart, not empty."""
    union = merged(intervals)
    assert _is_canonical(union)
    assert (_marks(union) == _marks(intervals)).all()
    assert total_ms(union) == _marks(intervals).sum()


@pytest.mark.parametrize(("gap_ms", "expected"), [(99, ((0, 199),)), (100, ((0, 50), (150, 200)))])
def test_only_gaps_below_the_bound_are_joined(gap_ms: int, expected: object) -> None:
    """A gap of exactly the bound stays."""
    assert merged([(50 + gap_ms, 100 + gap_ms), (0, 50)], max_gap_ms=100) == expected


@given(many, many)
def test_an_intersection_is_what_lies_in_both(
    first: list[Interval], second: list[Interval]
) -> None:
    """Ms by ms."""
    common = intersection(first, second)
    assert _is_canonical(common)
    assert (_marks(common) == (_marks(first) & _marks(second))).all()


@given(many, times)
def test_a_complement_is_what_is_left_out(intervals: list[Interval], end: int) -> None:
    """Up to the end, and nothing of what is covered."""
    rest = complement(intervals, end)
    assert _is_canonical(rest)
    expected = ~_marks(intervals)
    expected[end:] = False
    assert (_marks(rest) == expected).all()


@given(many, times, times)
def test_clipping_leaves_what_lies_inside(intervals: list[Interval], start: int, end: int) -> None:
    """Ms by ms."""
    inside = clipped(intervals, start, end)
    assert _is_canonical(inside)
    expected = _marks(intervals)
    expected[:start] = False
    expected[end:] = False
    assert (_marks(inside) == expected).all()


def test_widening_joins_what_comes_to_overlap() -> None:
    """Each interval begins earlier and ends later."""
    assert widened([(100, 200), (250, 300)], before_ms=20, after_ms=30) == ((80, 330),)
    assert widened([(100, 200)], before_ms=20, after_ms=0) == ((80, 200),)
