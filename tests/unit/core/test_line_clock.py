"""Holes in the captured stream, bursts after them, and lines that deliver nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.line_clock import LineClock

IDLE_MS = 120


@pytest.fixture
def line() -> LineClock:
    return LineClock(0.0, IDLE_MS)


def fill(line: LineClock, start_ms: float, end_ms: float, deficit_ms: float = 0.0) -> list[int]:
    """Ask slot by slot what is to be filled."""
    return [
        line.slots_to_fill(now_ms, deficit_ms)
        for now_ms in range(int(start_ms) + 20, int(end_ms) + 20, 20)
    ]


def test_a_line_in_step_has_nothing_to_fill_and_nothing_late(line) -> None:
    """Frames every 20 ms leave no hole."""
    for now_ms in range(20, 2000, 20):
        line.receive(now_ms, 20.0)
        assert line.slots_to_fill(now_ms, 0.0) == 0
        assert line.stale_ms == 0.0


def test_an_idle_line_is_filled_slot_by_slot(line) -> None:
    """The first fill makes up for the wait, each later slot is one; 5 s are 250 slots."""
    line.receive(20.0, 20.0)
    filled = fill(line, 20, 5020)
    assert filled[:6] == [0] * 5 + [6]
    assert set(filled[6:]) == {1}
    assert sum(filled) == 250


def test_a_line_that_never_begins_is_filled_too(line) -> None:
    """Idle counts from the start of the call."""
    assert sum(fill(line, 0, 1000)) == 50


def test_a_frame_ends_the_filling(line) -> None:
    """After the next frame the wait begins anew."""
    line.receive(20.0, 20.0)
    fill(line, 20, 420)
    line.receive(430.0, 20.0)
    assert sum(fill(line, 430, 530)) == 0


def test_large_chunks_are_not_holes(line) -> None:
    """A line that delivers 200 ms at a time is not idle between two chunks."""
    for now_ms in range(200, 2000, 200):
        line.receive(now_ms, 200.0)
        assert sum(fill(line, now_ms, now_ms + 180)) == 0


def test_small_holes_add_up(line) -> None:
    """Holes too short to be idle are filled once the provider is behind by as much as one."""
    line.receive(20.0, 20.0)
    assert line.slots_to_fill(100.0, 80.0) == 0
    assert line.slots_to_fill(40.0, 119.0) == 0
    assert line.slots_to_fill(40.0, 130.0) == 6
    assert line.slots_to_fill(60.0, 4000.0) == 10


def test_a_deficit_is_not_filled_into_sound(line) -> None:
    """While frames come, nothing is put between them."""
    line.receive(20.0, 20.0)
    assert line.slots_to_fill(20.0, 500.0) == 0
    assert line.slots_to_fill(39.0, 500.0) == 0


def test_a_process_that_slept_does_not_make_up_for_all_of_it(line) -> None:
    """What is filled at once is bounded, and what is beyond it is not asked for again."""
    line.receive(20.0, 20.0)
    assert sum(fill(line, 3_600_000, 3_602_000)) == 500 + 99
    assert line.slots_to_fill(3_602_020.0, 0.0) == 1


def test_a_long_hole_is_filled_little_by_little(line) -> None:
    """Ten slots at a time, so that no other call waits; none of them is forgotten."""
    line.receive(20.0, 20.0)
    filled = fill(line, 4000, 6000)
    assert filled[:20] == [10] * 20
    assert filled[-1] == 1
    assert sum(filled) == 299


def test_time_that_runs_backwards_fills_nothing(line) -> None:
    """A clock that is set back is not a hole."""
    line.receive(1000.0, 20.0)
    assert line.slots_to_fill(500.0, 0.0) == 0


@pytest.mark.parametrize(
    ("gap_slots", "recovered"), [(1, 0), (2, 2), (4, 4), (6, 6), (7, 0), (200, 0)]
)
def test_small_gaps_can_be_recovered(line, gap_slots, recovered) -> None:
    """Two to six missing slots are a gap; one is jitter, more is a line that was idle."""
    line.receive(20.0, 20.0)
    assert line.slots_to_recover(40.0 + 20.0 * gap_slots, 1) == recovered


def test_nothing_is_recovered_before_the_first_audio(line) -> None:
    """The time before the line begins is not a gap in it."""
    assert line.slots_to_recover(100.0, 1) == 0


def test_slots_filled_are_not_recovered_as_well(line) -> None:
    """Silence for a hole is sent once."""
    line.receive(20.0, 20.0)
    assert sum(fill(line, 20, 160)) == 7
    assert line.slots_to_recover(180.0, 1) == 0


def test_audio_after_dtx_is_live(line) -> None:
    """A line that comes back from silence in step with time delivers what is said now."""
    line.receive(20.0, 20.0)
    for now_ms in range(4020, 5000, 20):
        line.receive(now_ms, 20.0)
        assert line.stale_ms == 0.0


def test_audio_after_a_stall_is_as_old_as_it_is(line) -> None:
    """All at once after 4 s: the second frame is nearly 4 s old, the last one is in time again."""
    line.receive(20.0, 20.0)
    ages = []
    for _ in range(200):
        line.receive(4020.0, 20.0)
        ages.append(line.stale_ms)
    assert ages[0] == 0.0  # nothing shows yet that it is not live
    assert ages[1:] == [4000.0 - 20.0 * (number + 1) for number in range(1, 200)]


def test_a_stall_that_is_worked_off_slowly_is_still_a_stall(line) -> None:
    """Twice as fast as real time is late as well, less and less."""
    line.receive(20.0, 20.0)
    ages = []
    for number in range(50):
        line.receive(1020.0 + 10.0 * number, 20.0)
        ages.append(line.stale_ms)
    assert ages[1] == 970.0
    assert ages == [0.0, *sorted(ages[1:], reverse=True)]


def test_live_audio_after_a_burst_is_not_late(line) -> None:
    """A burst that was shorter than the hole leaves nothing behind."""
    line.receive(20.0, 20.0)
    for _ in range(10):
        line.receive(4020.0, 20.0)
    line.receive(4040.0, 20.0)
    line.receive(4060.0, 20.0)
    assert line.stale_ms == 0.0


def test_a_line_that_says_when_audio_was_captured_is_believed(line) -> None:
    """The first chunk after a hole is known to be late, and one that is live after it as well."""
    line.receive(20.0, 20.0, 20.0)
    line.receive(1020.0, 20.0, 40.0)
    assert line.stale_ms == 980.0
    line.receive(1021.0, 20.0, 1021.0)
    assert line.stale_ms == 0.0
    line.receive(1040.0, 20.0, 1041.0)
    assert line.stale_ms == 0.0


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=60))
def test_filling_never_exceeds_the_time_that_passed(gaps) -> None:
    """Over any arrivals: every slot of time is filled at most once, and lateness is never more than
    the hole before it."""
    line = LineClock(0.0, IDLE_MS)
    now_ms = 0.0
    n_filled = 0
    for gap_ms in gaps:
        for at_ms in (now_ms + gap_ms / 2, now_ms + gap_ms):
            n_filled += line.slots_to_fill(at_ms, 0.0)
        now_ms += gap_ms
        line.receive(now_ms, 20.0)
        assert 0.0 <= line.stale_ms <= now_ms
        assert n_filled * 20 <= now_ms
