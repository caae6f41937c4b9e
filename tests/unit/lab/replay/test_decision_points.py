"""Which decisions of two runs are the same one."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.replay.decision_points import (
    POINT_TYPES,
    TOLERANCE_MS,
    PointChange,
    PointPair,
    match_points,
)

_PAUSE, _OPEN = GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED


def point(
    t_ms: float, kind: GateEventType = _PAUSE, reason: GateReason = GateReason.CANDIDATE
) -> GateEvent:
    return GateEvent(type=kind, t_ms=t_ms, reason=reason)


def changes(first: list[GateEvent], second: list[GateEvent]) -> list[tuple[str, float]]:
    return [(pair.change.value, pair.shift_ms) for pair in match_points(first, second)]


def test_equal_runs_differ_in_nothing() -> None:
    """Every point is with itself, in the order of time."""
    points = [point(100.0), point(140.0, _OPEN), point(900.0)]
    pairs = match_points(points, points)
    assert pairs == tuple(PointPair(each, each) for each in points)
    assert not any(pair.differs for pair in pairs)


def test_what_comes_a_little_later_is_the_same_decision() -> None:
    """Up to the tolerance; beyond it there are two decisions, of which each run has one."""
    assert changes([point(100.0)], [point(100.0 + TOLERANCE_MS)]) == [("shifted", TOLERANCE_MS)]
    assert changes([point(100.0)], [point(80.0)]) == [("shifted", -20.0)]
    assert changes([point(100.0)], [point(101.0 + TOLERANCE_MS)]) == [("gone", 0), ("added", 0)]


def test_another_type_or_reason_is_another_decision() -> None:
    """However close."""
    assert changes([point(100.0)], [point(100.0, _OPEN)]) == [("added", 0), ("gone", 0)]
    other = point(100.0, reason=GateReason.PROVIDER_SPEECH)
    assert changes([point(100.0)], [other]) == [("gone", 0), ("added", 0)]


def test_what_is_at_the_same_time_belongs_together() -> None:
    """Though a neighbour would be within reach too."""
    assert changes([point(0.0), point(80.0)], [point(80.0)]) == [("gone", 0), ("same", 0)]


def test_a_gate_that_takes_over_goes_back_in_time() -> None:
    """It is shown the past: what it says of it is matched by its time all the same."""
    first = [point(100.0), point(900.0), point(500.0)]
    assert changes(first, [point(100.0), point(500.0)]) == [("same", 0), ("same", 0), ("gone", 0)]


def test_events_that_change_nothing_for_the_caller_are_no_points() -> None:
    """What is released or discarded comes of a decision; a summary of none."""
    summary = point(100.0, GateEventType.GUARD_SUMMARY)
    assert match_points([summary], []) == ()


def test_the_time_of_a_pair_is_the_first_runs() -> None:
    """Or the other's, where the first run has none."""
    assert PointPair(point(100.0), point(120.0)).t_ms == 100.0
    lone = PointPair(None, point(120.0))
    assert (lone.t_ms, lone.change, lone.differs) == (120.0, PointChange.ADDED, True)


_gaps_ms = st.sampled_from([0, 20, 60, 120, 400])
_kinds = st.sampled_from(sorted(POINT_TYPES))


@st.composite
def runs(draw: st.DrawFn) -> list[GateEvent]:
    """Points in the order of time."""
    gaps = draw(st.lists(_gaps_ms, max_size=12))
    return [point(float(t_ms), draw(_kinds)) for t_ms in accumulate(gaps)]


@given(runs(), runs())
def test_every_point_is_in_one_pair(first: list[GateEvent], second: list[GateEvent]) -> None:
    """On its own side, with a partner of its type within the tolerance or with none."""
    pairs = match_points(first, second)
    key = id
    assert sorted(key(pair.first) for pair in pairs if pair.first) == sorted(map(key, first))
    assert sorted(key(pair.second) for pair in pairs if pair.second) == sorted(map(key, second))
    for pair in pairs:
        if pair.first and pair.second:
            assert pair.first.type is pair.second.type
            assert abs(pair.shift_ms) <= TOLERANCE_MS


@given(runs(), runs())
def test_swapping_the_runs_swaps_the_sides(first: list[GateEvent], second: list[GateEvent]) -> None:
    """And nothing else: what is gone one way is added the other way."""
    there = [(pair.first, pair.second) for pair in match_points(first, second)]
    back = [(pair.second, pair.first) for pair in match_points(second, first)]
    assert there == back


def test_a_pair_of_nothing_is_none() -> None:
    """It would have no time."""
    with pytest.raises(ValueError, match="on one side"):
        _ = PointPair(None, None).either
