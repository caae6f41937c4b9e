"""Slots that pass without a frame, and frames that come for them."""

from __future__ import annotations

from voxgate.core.late_slots import LateSlots


def after_a_hole(n_slots: int) -> LateSlots:
    slots = LateSlots()
    for _ in range(n_slots):
        slots.pass_slot()
    return slots


def test_after_a_stall_each_slot_is_taken_once() -> None:
    """Two slots passed, so two of the four frames of the burst are theirs."""
    slots = after_a_hole(2)
    taken = []
    for _ in range(4):
        slots.receive_chunk(is_stale=True)
        taken.append(slots.take(is_stale=True))
    assert taken == [True, True, False, False]


def test_a_burst_in_one_chunk_is_as_one_in_many() -> None:
    """The number of chunks that a burst comes in does not show."""
    slots = after_a_hole(2)
    slots.receive_chunk(is_stale=True)
    assert [slots.take(is_stale=True) for _ in range(3)] == [True, True, False]


def test_a_frame_in_time_takes_no_slot() -> None:
    """The line left the slots out, and a later stall does not get them back."""
    slots = after_a_hole(3)
    slots.receive_chunk(is_stale=False)
    assert not slots.take(is_stale=False)
    slots.receive_chunk(is_stale=False)
    slots.receive_chunk(is_stale=True)
    assert not slots.take(is_stale=True)


def test_a_stall_in_a_stall_adds_to_what_is_late() -> None:
    """What still comes late is not forgotten for the next hole."""
    slots = after_a_hole(2)
    slots.receive_chunk(is_stale=True)
    assert slots.take(is_stale=True)
    slots.pass_slot()
    slots.receive_chunk(is_stale=True)
    assert [slots.take(is_stale=True) for _ in range(3)] == [True, True, False]
