"""Which far-end slot a captured frame is paired with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.echo.reference import ReferenceTimeline


def slot(number: int) -> npt.NDArray[np.int16]:
    return np.full(160, number, np.int16)


def take_number(timeline: ReferenceTimeline) -> int:
    return int(timeline.take()[0])


def test_in_step_each_capture_gets_the_slot_of_its_number() -> None:
    """The n-th capture is paired with the n-th slot."""
    timeline = ReferenceTimeline()
    for number in range(1, 200):
        timeline.push(slot(number))
        assert take_number(timeline) == number


def test_an_early_capture_is_paired_with_silence_and_leaves_a_reserve() -> None:
    """One early capture shifts the pairing by one slot, once: the next early one finds its slot."""
    timeline = ReferenceTimeline()
    timeline.push(slot(1))
    assert take_number(timeline) == 1
    assert take_number(timeline) == 0
    timeline.push(slot(2))
    timeline.push(slot(3))
    assert take_number(timeline) == 2
    assert take_number(timeline) == 3
    assert timeline.missing_slots == 1


@pytest.mark.parametrize("stalled", [5, 50, 200])
def test_a_burst_after_a_stall_is_paired_with_the_slots_of_the_stall(stalled: int) -> None:
    """Captures that come late, all at once, get the slots that were sent when they were made."""
    timeline = ReferenceTimeline()
    for number in range(1, 51):
        timeline.push(slot(number))
        assert take_number(timeline) == number
    for number in range(51, 51 + stalled):
        timeline.push(slot(number))
    for number in range(51, 51 + stalled):
        assert take_number(timeline) == number
    assert timeline.dropped_slots == 0


@pytest.mark.parametrize("hole", [4, 50, 300])
def test_after_a_dtx_hole_the_old_pairing_comes_back_within_a_quarter_second(hole: int) -> None:
    """Slots whose captures never come are dropped once the pile is seen to stay."""
    timeline = ReferenceTimeline()
    for number in range(1, 51):
        timeline.push(slot(number))
        timeline.take()
    for number in range(51, 51 + hole):
        timeline.push(slot(number))
    for number in range(51 + hole, 51 + hole + 12):
        timeline.push(slot(number))
        last = take_number(timeline)
    assert last == number
    assert timeline.dropped_slots == hole


def test_the_reserve_against_jitter_survives_a_dtx_hole() -> None:
    """The pile is dropped down to the reserve, not below, so the echo path keeps its delay."""
    timeline = ReferenceTimeline()
    assert take_number(timeline) == 0
    timeline.push(slot(1))
    lags = []
    for number in range(2, 140):
        timeline.push(slot(number))
        if not 80 <= number < 120:
            lags.append(number - take_number(timeline))
    assert lags[0] == lags[-1] == 1
    assert max(lags) == 41


def test_what_waits_is_bounded() -> None:
    """A line that never delivers costs no memory: the oldest slots go, and are counted."""
    timeline = ReferenceTimeline()
    for number in range(2000):
        timeline.push(slot(number))
    assert timeline.dropped_slots == 1500
    assert take_number(timeline) == 1500


def test_reset_forgets_slots_and_reserve() -> None:
    """After a reset the first capture gets the first slot again."""
    timeline = ReferenceTimeline()
    timeline.take()
    timeline.push(slot(1))
    timeline.reset()
    timeline.push(slot(2))
    assert take_number(timeline) == 2


@given(st.lists(st.booleans(), max_size=300))
def test_slots_come_out_in_order_and_none_twice(pushes: list[bool]) -> None:
    """Whatever the interleaving, the slots given out are a rising sequence."""
    timeline = ReferenceTimeline()
    number = 0
    taken = []
    for is_push in pushes:
        if is_push:
            number += 1
            timeline.push(slot(number))
        else:
            taken.append(take_number(timeline))
    real = [n for n in taken if n]
    assert real == sorted(set(real))
