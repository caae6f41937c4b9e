"""When the slots of the playout timeline are due."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voxgate.core.pacing import SlotPacer

TEN_MINUTES = 30_000


def line_arrivals(
    n_frames: int, *, ppm: float = 0.0, jitter_ms: float = 0.0, audio_ms: float = 20.0
) -> NDArray[np.float64]:
    """Return when a line with a clock of its own delivers its frames, in ms."""
    jitter = np.random.default_rng(7).uniform(-jitter_ms, jitter_ms, n_frames)
    return np.sort(np.arange(n_frames) * audio_ms * (1 + ppm * 1e-6) + 5.0 + jitter)


@dataclass
class Run:
    """What a pacer did."""

    slots: int
    most_at_once: int
    pacer: SlotPacer

    def drift_ms(self, ppm: float = 0.0) -> float:
        """Return how far the slots are behind the line's clock, which they started with."""
        return self.pacer.next_deadline_ms - self.slots * 20 * (1 + ppm * 1e-6)


def run(arrivals: NDArray[np.float64], end_ms: float, *, audio_ms: float = 20.0) -> Run:
    """Drive a pacer as a shell does: awake at every inbound frame and at every deadline."""
    result = Run(0, 0, SlotPacer(0.0))
    pacer, pending = result.pacer, iter([*arrivals.tolist(), float("inf")])
    arrival_ms, now_ms = next(pending), 0.0
    while now_ms < end_ms:
        if arrival_ms < pacer.next_deadline_ms:
            now_ms = arrival_ms
            pacer.on_inbound(now_ms, audio_ms)
            arrival_ms = next(pending)
        else:
            now_ms = pacer.next_deadline_ms
        n_slots = pacer.slots_due(now_ms)
        result.slots += n_slots
        result.most_at_once = max(result.most_at_once, n_slots)
    return result


# --- at the rate of the line ---------------------------------------------------------------------


@pytest.mark.parametrize("jitter_ms", [0.0, 5.0, 15.0])
@pytest.mark.parametrize("ppm", [-200, 0, 200])
def test_slots_keep_the_rate_of_the_line(ppm, jitter_ms) -> None:
    """After ten minutes the slots are within half a slot of the line's, where 200 ppm are six."""
    arrivals = line_arrivals(TEN_MINUTES, ppm=ppm, jitter_ms=jitter_ms)
    result = run(arrivals, TEN_MINUTES * 20)
    assert abs(result.drift_ms(ppm)) <= 10
    assert result.most_at_once == 1
    assert result.pacer.skipped_slots == 0


@pytest.mark.parametrize("ppm", [-200, 200])
@pytest.mark.parametrize("loss_prob", [0.01, 0.03])
def test_lost_frames_do_not_slow_the_slots_down(loss_prob, ppm) -> None:
    """A frame that is missing is no sign of a slower clock."""
    arrivals = line_arrivals(TEN_MINUTES, ppm=ppm, jitter_ms=10.0)
    kept = arrivals[np.random.default_rng(1).random(TEN_MINUTES) >= loss_prob]
    result = run(kept, TEN_MINUTES * 20)
    assert abs(result.drift_ms(ppm)) <= 20


def test_bursts_after_stalls_are_ignored() -> None:
    """A line that stalls for 400 ms and then delivers all at once, again and again, is in time."""
    arrivals = line_arrivals(TEN_MINUTES, ppm=100, jitter_ms=5.0)
    for start in range(1000, TEN_MINUTES, 500):
        arrivals[start : start + 20] = arrivals[start + 19]
    result = run(arrivals, TEN_MINUTES * 20)
    assert abs(result.drift_ms(100)) <= 10
    assert result.most_at_once == 1


def test_line_with_silence_suppression_is_followed_across_its_gaps() -> None:
    """Drift during seconds without a frame is made up for when frames flow again."""
    arrivals = line_arrivals(TEN_MINUTES, ppm=200, jitter_ms=5.0)
    talking = np.arange(TEN_MINUTES) // 200 % 2 == 0
    result = run(arrivals[talking], TEN_MINUTES * 20)
    assert abs(result.drift_ms(200)) <= 10


def test_heavy_loss_is_no_worse_than_our_own_clock() -> None:
    """Where a third of the frames is missing nothing can be followed, and nothing is spoilt."""
    arrivals = line_arrivals(TEN_MINUTES, jitter_ms=10.0)
    kept = arrivals[np.random.default_rng(1).random(TEN_MINUTES) >= 0.3]
    assert abs(run(kept, TEN_MINUTES * 20).drift_ms()) <= 100


@pytest.mark.parametrize("audio_ms", [10.0, 30.0])
def test_frames_of_another_length_are_followed(audio_ms) -> None:
    """A line with 10 or 30 ms frames is in time if their length is told."""
    n_frames = round(TEN_MINUTES * 20 / audio_ms)
    arrivals = line_arrivals(n_frames, ppm=200, jitter_ms=3.0, audio_ms=audio_ms)
    result = run(arrivals, TEN_MINUTES * 20, audio_ms=audio_ms)
    assert abs(result.drift_ms(200)) <= 10


def test_frames_without_audio_are_no_frames() -> None:
    """An empty frame shows no clock."""
    pacer = SlotPacer(0.0)
    for number in range(200):
        pacer.on_inbound(number * 21.0, 0.0)
    assert pacer.next_deadline_ms == 0.0


# --- on its own ----------------------------------------------------------------------------------


def test_slots_run_alone_without_inbound_frames() -> None:
    """With nothing from the line, slots are due every 20 ms from the start on."""
    pacer = SlotPacer(1000.0)
    assert not pacer.is_due(999.9)
    for number in range(3000):
        assert pacer.next_deadline_ms == 1000.0 + 20 * number
        assert pacer.is_due(pacer.next_deadline_ms)
        assert pacer.slots_due(pacer.next_deadline_ms) == 1


def test_slots_go_on_alone_when_inbound_stops() -> None:
    """After the line's last frame the slots go on, 20 ms apart."""
    result = run(line_arrivals(500, ppm=200, jitter_ms=5.0), 10_000)
    pacer = result.pacer
    before_ms = pacer.next_deadline_ms
    for _ in range(100):
        assert pacer.slots_due(pacer.next_deadline_ms) == 1
    assert pacer.next_deadline_ms == pytest.approx(before_ms + 2000)


def test_slot_is_taken_once() -> None:
    """Asking again at the same time gives nothing; asking whether one is due takes nothing."""
    pacer = SlotPacer(0.0)
    assert pacer.is_due(0.0)
    assert pacer.is_due(0.0)
    assert pacer.slots_due(0.0) == 1
    assert not pacer.is_due(0.0)
    assert pacer.slots_due(19.9) == 0


# --- after a stall of our own --------------------------------------------------------------------


def test_short_stall_is_made_good() -> None:
    """Two slots missed are sent together with the one that is due; none is lost."""
    pacer = SlotPacer(0.0)
    pacer.slots_due(0.0)
    assert pacer.slots_due(65.0) == 3
    assert pacer.skipped_slots == 0
    assert pacer.next_deadline_ms == 80.0


def test_long_stall_does_not_burst() -> None:
    """After a second only three frames go out at once; the others are skipped and counted."""
    pacer = SlotPacer(0.0)
    pacer.slots_due(0.0)
    assert pacer.slots_due(1005.0) == 3
    assert pacer.skipped_slots == 47
    assert pacer.slots_due(1005.0) == 0
    assert pacer.next_deadline_ms == 1020.0


def test_catching_up_can_be_switched_off() -> None:
    """With a bound of 0 only the slot of now is sent."""
    pacer = SlotPacer(0.0, max_catch_up_slots=0)
    assert pacer.slots_due(45.0) == 1
    assert pacer.skipped_slots == 2


def test_negative_bound_is_refused() -> None:
    """The slot of now is always sent."""
    with pytest.raises(ValueError, match="max_catch_up_slots: -1"):
        SlotPacer(0.0, max_catch_up_slots=-1)


# --- whatever comes ------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 300)), max_size=150))
def test_no_input_makes_a_burst_or_a_jump(steps) -> None:
    """In any order of frames and waits, a frame moves a deadline by 0.1 ms at most, no more than
    three slots come at once, and every slot of real time is sent or counted as skipped."""
    pacer, now_ms, sent = SlotPacer(0.0), 0.0, 0
    for is_inbound, wait_ms in steps:
        now_ms += wait_ms
        if is_inbound:
            before_ms = pacer.next_deadline_ms
            pacer.on_inbound(now_ms)
            assert abs(pacer.next_deadline_ms - before_ms) <= 0.1
        n_slots = pacer.slots_due(now_ms)
        sent += n_slots
        assert n_slots <= 3
        assert now_ms < pacer.next_deadline_ms <= max(now_ms, 0.0) + 20.1
    nudged_ms = 0.1 * len(steps)
    assert abs((sent + pacer.skipped_slots) * 20 - now_ms) <= 20 + nudged_ms


@given(st.lists(st.floats(0, 40), min_size=60, max_size=200))
def test_frames_without_a_rhythm_hardly_move_the_slots(waits) -> None:
    """Arrivals that show no clock can't drive the deadlines away by more than 0.4 %."""
    pacer, now_ms = SlotPacer(0.0), 0.0
    for wait_ms in waits:
        now_ms += wait_ms
        pacer.on_inbound(now_ms)
    assert abs(pacer.next_deadline_ms) <= 0.08 * len(waits)


# --- in step with frames --------------------------------------------------------------------------


def places_after_deadlines(arrivals: NDArray[np.float64], n_last: int) -> NDArray[np.float64]:
    """Return how long after the deadlines of their slots the last frames come, in -10..10 ms."""
    pacer, after = SlotPacer(0.0, in_step=True), []
    for arrival_ms in arrivals.tolist():
        while pacer.next_deadline_ms < arrival_ms - 10.0:
            pacer.slots_due(pacer.next_deadline_ms)
        pacer.on_inbound(arrival_ms)
        after.append((arrival_ms - pacer.next_deadline_ms + 10.0) % 20.0 - 10.0)
    return np.array(after[-n_last:])


@pytest.mark.parametrize("start_ms", [0.0, 3.0, 7.0, 13.0, 19.0])
def test_deadlines_come_to_lie_shortly_before_the_frames(start_ms) -> None:
    """From the first frames that show a rhythm on, wherever in a slot they come."""
    after_ms = places_after_deadlines(line_arrivals(12) + start_ms, 4)
    assert after_ms.min() >= 3.0 - 0.1
    assert after_ms.max() <= 5.0 + 0.1


@pytest.mark.parametrize("ppm", [-200, 200])
def test_deadlines_stay_shortly_before_the_frames(ppm) -> None:
    """Over ten minutes of a clock of its own, and through jitter of the line's."""
    arrivals = line_arrivals(TEN_MINUTES, ppm=ppm, jitter_ms=3.0)
    after_ms = places_after_deadlines(arrivals, TEN_MINUTES - 500)
    assert np.mean((after_ms >= -1.0) & (after_ms <= 8.0)) > 0.9


def test_a_line_without_a_rhythm_is_not_in_step() -> None:
    """Slots run by themselves, then, from where they began."""
    pacer = SlotPacer(0.0, in_step=True)
    for number in range(24):
        pacer.on_inbound(20.0 * number + (7.0 if number % 2 else 0.0))
    assert pacer.next_deadline_ms == 0.0
    assert pacer.next_wake_ms == 0.0


def test_the_first_delay_is_less_than_a_slot_and_comes_once() -> None:
    """Nothing is ever played before it was due."""
    pacer, moves = SlotPacer(0.0, in_step=True), []
    for number in range(200):
        before_ms = pacer.next_deadline_ms
        pacer.on_inbound(20.0 * number + 1.0)
        moves.append(pacer.next_deadline_ms - before_ms)
        pacer.slots_due(20.0 * number + 1.0)
    assert max(moves) == pytest.approx(17.0)
    assert all(abs(move) <= 0.1 for move in sorted(moves)[:-1])


def steady_pacer(n_frames: int = 6) -> SlotPacer:
    """Return a pacer whose line is in step: frames 4 ms after deadlines, each 20 ms."""
    pacer = SlotPacer(0.0, in_step=True)
    for number in range(n_frames):
        pacer.on_inbound(20.0 * number + 4.0)
        pacer.slots_due(20.0 * number + 4.0)
    return pacer


def test_a_line_that_loses_its_rhythm_is_not_waited_for_until_it_has_it_again() -> None:
    """One frame is enough for the one, and ten for the other; lost frames do no harm."""
    pacer = steady_pacer(30)
    assert pacer.next_wake_ms == pacer.next_deadline_ms + 8.0
    place_ms = 604.0 + 3 * 20.0
    pacer.slots_due(place_ms)
    pacer.on_inbound(place_ms)
    assert pacer.next_wake_ms == pacer.next_deadline_ms + 8.0
    waits = []
    for number, off_ms in enumerate([6.0, *[0.0] * 10], start=1):
        now_ms = place_ms + 20.0 * number + off_ms
        pacer.slots_due(now_ms)
        pacer.on_inbound(now_ms)
        waits.append(pacer.next_wake_ms > pacer.next_deadline_ms)
    assert waits == [*[False] * 10, True]


def test_a_line_that_delivers_several_frames_at_once_has_its_slots_when_they_are_due() -> None:
    """However well its bursts keep time: slots stay 20 ms apart."""
    pacer = steady_pacer(30)
    wakes = []
    for burst in range(20):
        now_ms = 600.0 + 60.0 * burst + 4.0
        for _ in range(3):
            pacer.on_inbound(now_ms)
        for _ in range(3):
            wakes.append(pacer.next_wake_ms)
            assert pacer.slots_due(max(now_ms, wakes[-1])) == 1
    steps = [later - earlier for earlier, later in pairwise(wakes)]
    assert max(steps) <= 20.2
    assert min(steps) >= 19.8


def test_a_line_that_says_where_its_frames_lie_is_waited_for_by_when_they_come() -> None:
    """Their places keep time; a slot that waited for the frames would have their jitter."""
    pacer = steady_pacer()
    n_awaited = 0
    for number in range(6, 100):
        place_ms = number * 20.0 + 4.0
        pacer.on_inbound(place_ms, came_ms=place_ms + (0.0 if number % 2 else 9.0))
        pacer.slots_due(place_ms + 9.0)
        n_awaited += pacer.next_wake_ms > pacer.next_deadline_ms
    assert n_awaited == 0


def test_frames_of_another_length_are_not_in_step() -> None:
    """A slot has no frame of its own then."""
    pacer = SlotPacer(0.0, in_step=True)
    for number in range(100):
        pacer.on_inbound(10.0 * number + 7.0, 10.0)
        pacer.slots_due(10.0 * number + 7.0)
        assert pacer.next_wake_ms == pacer.next_deadline_ms


def test_a_slot_waits_for_the_frame_that_is_on_its_way() -> None:
    """For 8 ms; not for one that has come before its time, or on a line that has stopped."""
    pacer = steady_pacer()
    deadline_ms = pacer.next_deadline_ms
    assert deadline_ms == 120.0
    assert pacer.next_wake_ms == deadline_ms + 8.0
    pacer.slots_due(deadline_ms + 8.0)
    assert pacer.next_wake_ms == deadline_ms + 20.0
    pacer.on_inbound(deadline_ms + 20.0 + 4.0)
    assert pacer.next_wake_ms == deadline_ms + 20.0
    pacer.slots_due(deadline_ms + 20.0)
    assert pacer.next_wake_ms == deadline_ms + 48.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 300)), max_size=150))
def test_in_step_too_no_input_makes_a_burst_or_a_jump(steps) -> None:
    """Deadlines move by less than a slot once, and by 0.1 ms at most from then on."""
    pacer, now_ms, n_jumps = SlotPacer(0.0, in_step=True), 0.0, 0
    for is_inbound, wait_ms in steps:
        now_ms += wait_ms
        if is_inbound:
            before_ms = pacer.next_deadline_ms
            pacer.on_inbound(now_ms)
            moved_ms = pacer.next_deadline_ms - before_ms
            assert -0.1 <= moved_ms < 20.0
            n_jumps += moved_ms > 0.1
        assert pacer.slots_due(now_ms) <= 3
        assert pacer.next_wake_ms - pacer.next_deadline_ms in (0.0, pytest.approx(8.0))
    assert n_jumps <= 1
