"""Which far-end slot a captured frame is paired with, whatever the line does to the frames.

A line is told by when each captured frame comes and of which slot it is. Slots are pushed every
20 ms from 0 on, less a phase: how much sooner our slot begins than the frame captured in it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxgate.core.echo.reference import ReferenceTimeline

Times = npt.NDArray[np.float64]

SPAN = 45
IDLE_MS = 120
PHASES_MS = (0.0, 0.5, 7.0, 12.0, 15.5)


@dataclass(frozen=True)
class Paired:
    """What became of one captured frame."""

    number: int
    slot: int | None
    """None: it was paired with silence."""
    passed: tuple[int, ...]
    waited: bool

    @property
    def error(self) -> int | None:
        """Slots by which the frame's slot is newer than the one it was captured in."""
        return None if self.slot is None else self.slot - self.number


def slot(number: int) -> npt.NDArray[np.int16]:
    return np.full(4, number + 1, np.int16)


def number_of(frame: npt.NDArray[np.int16]) -> int | None:
    return int(frame[0]) - 1 if frame[0] else None


def even(count: int) -> Times:
    """Return when frames come that are in time."""
    return 20.0 * np.arange(1, count + 1)


def late_by(delays_ms: Times) -> Times:
    """Return when frames come that are late by so much each, in order."""
    return np.maximum.accumulate(even(len(delays_ms)) + delays_ms)


def stalled(count: int, *stalls: tuple[int, int]) -> Times:
    """Return when frames come of which some are held back and come all at once.

    Args:
        count: Frames.
        stalls: First frame and number of frames of each stall.
    """
    times = even(count)
    for first, length in stalls:
        times[first : first + length] = times[first + length - 1]
    return times


def pair(
    times: Iterable[float], numbers: Iterable[int] | None = None, *, phase_ms: float = 0.0
) -> list[Paired]:
    """Let frames come and slots be pushed in the order of time; return what is paired."""
    arrivals = [(t_ms, 0, n) for n, t_ms in enumerate(times)]
    if numbers is not None:
        arrivals = [(t_ms, 0, n) for (t_ms, _, _), n in zip(arrivals, numbers, strict=True)]
    last_ms = max(t_ms for t_ms, _, _ in arrivals)
    pushes = [(20.0 * n - phase_ms, 1, n) for n in range(int(last_ms / 20) + 2)]
    timeline = ReferenceTimeline(4)
    waiting: deque[int] = deque()
    result: list[Paired] = []
    came_ms = 0.0
    for t_ms, is_push, number in sorted([*arrivals, *pushes]):
        if is_push:
            timeline.push(slot(number), t_ms)
            if t_ms - came_ms >= IDLE_MS:
                passed_slots = (number_of(frame) or 0 for frame in timeline.pass_slots())
                result += [Paired(-1, None, (number,), waited=False) for number in passed_slots]
            continue
        came_ms = t_ms
        waiting.append(number)
        for pairing in timeline.take(t_ms):
            of = waiting.popleft()
            passed = tuple(number_of(frame) or 0 for frame in pairing.passed)
            result.append(Paired(of, number_of(pairing.far_end), passed, waited=of != number))
    return result


def errors(paired: Sequence[Paired]) -> list[int | None]:
    return [one.error for one in paired if one.number >= 0]


def share_at_usual(paired: Sequence[Paired]) -> float:
    """Return the share of the frames with the offset of most: a constant one costs nothing."""
    ((_, count),) = Counter(errors(paired)).most_common(1)
    return count / len(errors(paired))


def assert_is_a_stream(paired: Sequence[Paired]) -> None:
    """Check that the slots passed on are what an echo filter can take.

    They go on from one frame to the next. Where they do not, the whole span is passed on anew.
    """
    last: int | None = None
    for one in paired:
        slots = [*one.passed, *([] if one.slot is None else [one.slot])]
        assert slots == list(range(slots[0], slots[0] + len(slots))) if slots else True
        if slots and last is not None and slots[0] != last + 1:
            assert len(slots) > min(SPAN - 1, slots[-1]), f"{last} is followed by {slots[0]}"
        last = slots[-1] if slots else last


@pytest.mark.parametrize("phase_ms", PHASES_MS)
def test_in_step_each_capture_gets_the_slot_of_its_number(phase_ms: float) -> None:
    """The n-th capture is paired with the n-th slot, at once and with nothing left out."""
    paired = pair(even(200), phase_ms=phase_ms)
    assert paired == [Paired(n, n, (), waited=False) for n in range(200)]


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize("seed", range(3))
def test_jitter_moves_nothing(phase_ms: float, seed: int) -> None:
    """Frames up to 15 ms late have one offset for good, and none of them waits."""
    delays_ms = np.random.default_rng(seed).uniform(0.0, 14.0, 1500)
    delays_ms[0] = 0.0
    paired = pair(late_by(delays_ms), phase_ms=phase_ms)
    assert errors(paired) == [0] * 1500
    assert not any(one.waited for one in paired)


@pytest.mark.parametrize("phase_ms", [16.5, 19.0, 19.9])
@pytest.mark.parametrize("seed", range(3))
def test_at_the_edge_of_a_slot_jitter_moves_nothing_either(phase_ms: float, seed: int) -> None:
    """The slot that is just over is as good as the one before it, as long as it stays the same."""
    delays_ms = np.random.default_rng(seed).uniform(0.0, 14.0, 1500)
    delays_ms[0] = 0.0
    assert set(errors(pair(late_by(delays_ms), phase_ms=phase_ms))) == {1}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("mean_ms", "at_least"), [(5.0, 0.999), (12.0, 0.99)])
def test_heavy_jitter_hardly_moves_anything(seed: int, mean_ms: float, at_least: float) -> None:
    """Frames up to 80 ms late, many of them in a row, are not taken for a loss."""
    delays_ms = np.random.default_rng(seed).exponential(mean_ms, 1500)
    paired = pair(late_by(np.minimum(delays_ms, 80.0)))
    assert errors(paired).count(0) >= at_least * 1500
    assert sum(one.waited for one in paired) <= 0.01 * 1500
    assert_is_a_stream(paired)


@pytest.mark.parametrize("late_ms", [20.0, 45.0, 80.0])
def test_a_first_frame_that_is_late_is_found_out(late_ms: float) -> None:
    """The frames that come in time after it show it."""
    delays_ms = np.zeros(100)
    delays_ms[0] = late_ms
    paired = pair(late_by(delays_ms))
    assert errors(paired)[5:] == [0] * 95
    assert_is_a_stream(paired)


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize("length", [6, 15, 75, 100])
def test_a_burst_after_a_stall_is_paired_with_the_slots_of_the_stall(
    length: int, phase_ms: float
) -> None:
    """Captures that come late, all at once, get the slots that were sent when they were made."""
    paired = pair(stalled(600, (60, length)), phase_ms=phase_ms)
    assert errors(paired) == [0] * 600
    assert [one.number for one in paired if one.waited] == [60]
    assert all(one.passed == () for one in paired)


def test_a_stall_that_is_worked_off_twice_as_fast_as_real_time_is_paired_too() -> None:
    """Every frame is late, less and less, and has its own slot."""
    times = even(300)
    times[100:200] = times[199] - 10.0 * np.arange(100)[::-1] + 5.0
    times[100:200] = np.maximum(times[100:200], even(300)[100:200])
    assert errors(pair(np.sort(times))) == [0] * 300


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize("length", [1, 2, 5, 10, 40, 100])
def test_after_lost_frames_each_has_its_own_slot(length: int, phase_ms: float) -> None:
    """The first frame after a hole waits for the next one; what passed is shown to the filter."""
    numbers = [n for n in range(500) if not 60 <= n < 60 + length]
    paired = pair(even(500)[numbers], numbers, phase_ms=phase_ms)
    assert errors(paired) == [0] * len(numbers)
    assert [one.number for one in paired if one.waited] == [60 + length]
    passed = next(one.passed for one in paired if one.waited)
    assert passed == tuple(range(60 + length - min(length, SPAN), 60 + length))


@pytest.mark.parametrize("phase_ms", PHASES_MS)
@pytest.mark.parametrize("seed", range(3))
def test_frames_lost_one_by_one_cost_nothing(seed: int, phase_ms: float) -> None:
    """One in twenty that never comes leaves every other with its own slot."""
    numbers = np.flatnonzero(np.random.default_rng(seed).random(1000) > 0.05)
    paired = pair(even(1000)[numbers], numbers.tolist(), phase_ms=phase_ms)
    assert share_at_usual(paired) == 1.0
    assert_is_a_stream(paired)


@pytest.mark.parametrize("seed", range(3))
def test_loss_and_jitter_together_are_aligned_within_a_few_frames(seed: int) -> None:
    """Six frames after each loss, at most, the pairing stands again."""
    rng = np.random.default_rng(seed)
    times = late_by(np.minimum(rng.exponential(5.0, 1500), 80.0))
    numbers = np.flatnonzero(rng.random(1500) > 0.01)
    wrong = [one for one in pair(times[numbers], numbers.tolist()) if one.error != 0]
    assert len(wrong) <= 6 * (1500 - len(numbers))


def dtx_numbers(count: int = 1500) -> list[int]:
    """Return the frames of a line that is silent every other second, and in the first."""
    return [n for n in range(count) if n // 50 % 2 == 1]


@pytest.mark.parametrize("phase_ms", PHASES_MS)
def test_a_line_that_is_known_to_fall_silent_is_live_at_once(phase_ms: float) -> None:
    """From the second hole on the slots pass while nothing comes, and no frame waits."""
    numbers = dtx_numbers()
    paired = pair(even(1500)[numbers], numbers, phase_ms=phase_ms)
    assert errors(paired) == [0] * len(numbers)
    assert [one.number for one in paired if one.waited] == [150]
    assert sum(one.number < 0 for one in paired) > 13 * 40
    assert_is_a_stream(paired)


@pytest.mark.parametrize("phase_ms", PHASES_MS)
def test_a_line_that_has_not_begun_is_silent(phase_ms: float) -> None:
    """Its slots pass, so that the detector knows that nothing of the agent came back."""
    numbers = list(range(300, 400))
    paired = pair(even(400)[numbers], numbers, phase_ms=phase_ms)
    assert errors(paired) == [0] * 100
    passed = [one.passed[0] for one in paired if one.number < 0]
    assert passed == list(range(len(passed)))
    assert len(passed) > 280
    assert_is_a_stream(paired)


@pytest.mark.parametrize("length", [150, 450])
def test_a_hole_of_more_than_two_seconds_is_silence(length: int) -> None:
    """The slots pass little by little from then on; the frame after it does not wait."""
    numbers = [n for n in range(600) if not 60 <= n < 60 + length]
    paired = pair(even(600)[numbers], numbers)
    assert errors(paired) == [0] * len(numbers)
    assert not any(one.waited for one in paired)
    assert_is_a_stream(paired)


def test_a_stall_of_more_than_two_seconds_is_found_out() -> None:
    """The frames of its burst have their own slots from the second one on."""
    paired = pair(stalled(600, (60, 300)))
    assert [one.number for one in paired if one.number >= 0 and one.error] == [60]
    assert_is_a_stream(paired)


def test_a_stall_of_a_line_that_falls_silent_is_found_out_by_its_burst() -> None:
    """A few frames of it have wrong slots, no more; then the line is one that stalls."""
    numbers = [*dtx_numbers(400), *range(400, 700)]
    times = even(700)
    times[500:560] = times[559]
    paired = pair(times[numbers], numbers)
    wrong = [one.number for one in paired if one.number >= 0 and one.error != 0]
    assert wrong == list(range(500, 500 + len(wrong)))
    assert len(wrong) <= 6
    assert_is_a_stream(paired)


@pytest.mark.parametrize("frames", [2, 3, 5, 10])
@pytest.mark.parametrize("phase_ms", PHASES_MS)
def test_frames_that_come_several_at_a_time_have_their_own_slots(
    frames: int, phase_ms: float
) -> None:
    """A line that delivers 40 to 200 ms at once is late again and again, and loses nothing."""
    times = np.ceil(np.arange(1, 601) / frames) * frames * 20.0
    paired = pair(times, phase_ms=phase_ms)
    usual = share_at_usual(paired[2 * frames :])
    assert usual == 1.0


@pytest.mark.parametrize("ppm", [-200.0, 200.0])
def test_a_clock_that_runs_apart_is_followed(ppm: float) -> None:
    """Ten minutes at 200 ppm are six slots: the frame is never more than 60 ms from its slot."""
    times = even(30_000) * (1.0 + ppm * 1e-6)
    paired = pair(times)
    sent_ms = np.array([20.0 * (one.slot or 0) for one in paired])
    delays_ms = times - 20.0 - sent_ms
    assert delays_ms.min() >= -20.0
    assert delays_ms.max() <= 60.0
    moves = np.count_nonzero(np.diff([one.error or 0 for one in paired]))
    assert moves <= 7


def test_a_slot_that_is_late_itself_is_silence_for_its_frame_alone() -> None:
    """After a stall of our own loop frames are there before the slots; the others keep theirs."""
    timeline = ReferenceTimeline(4)
    pushed = 0
    got = []
    for number in range(60):
        if not 30 <= number < 40:
            while pushed <= number:
                timeline.push(slot(pushed), 20.0 * number)
                pushed += 1
        if number < 30 or number >= 40:
            got += [number_of(p.far_end) for p in timeline.take(20.0 * number + 20.0)]
        if number == 39:
            for _ in range(10):
                got += [number_of(p.far_end) for p in timeline.take(20.0 * number + 20.0)]
    assert got == [*range(30), *[None] * 10, *range(40, 60)]


def test_what_waits_is_bounded() -> None:
    """A line that never delivers costs no memory: its first frame has the newest slots' echo."""
    timeline = ReferenceTimeline(4)
    for number in range(5000):
        timeline.push(slot(number), 20.0 * number)
    (pairing,) = timeline.take(100_000.0)
    assert number_of(pairing.far_end) == 4999
    assert [number_of(frame) for frame in pairing.passed] == list(range(4999 - SPAN, 4999))
    timeline.push(slot(5000), 100_000.0)
    for number in range(5001, 9000):
        timeline.push(slot(number), 20.0 * number)
    assert timeline.take(180_000.0) == ()
    late, _ = timeline.take(180_000.0)
    assert number_of(late.far_end) is None, "a stall of a minute is forgotten"


def test_reset_forgets_slots_and_line() -> None:
    """After a reset the first capture gets the first slot again."""
    timeline = ReferenceTimeline(4)
    timeline.push(slot(0), 0.0)
    timeline.take(20.0)
    timeline.push(slot(1), 20.0)
    timeline.push(slot(2), 40.0)
    assert timeline.take(60.0) == ()
    timeline.reset()
    timeline.push(slot(7), 0.0)
    (pairing,) = timeline.take(20.0)
    assert number_of(pairing.far_end) == 7
    assert pairing.passed == ()


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(6, 60)), max_size=8),
    st.sampled_from(PHASES_MS),
)
def test_no_stall_shifts_a_frame(stalls: list[tuple[int, int]], phase_ms: float) -> None:
    """Over any stalls: the n-th capture has the n-th slot."""
    spans = []
    at = 1
    for run, length in stalls:
        spans.append((at + run, length))
        at += run + length
    paired = pair(stalled(at + 10, *spans), phase_ms=phase_ms)
    assert errors(paired) == [0] * (at + 10)


@given(
    st.lists(st.tuples(st.integers(2, 60), st.integers(1, 60)), max_size=8),
    st.sampled_from(PHASES_MS),
)
def test_no_hole_shifts_a_frame(holes: list[tuple[int, int]], phase_ms: float) -> None:
    """Over any runs of at least two frames and any holes: each capture has the slot of its time."""
    numbers = [0, 1]
    for run, length in holes:
        numbers += range(numbers[-1] + 1 + length, numbers[-1] + 1 + length + run)
    numbers += range(numbers[-1] + 1, numbers[-1] + 4)
    paired = pair(even(numbers[-1] + 1)[numbers], numbers, phase_ms=phase_ms)
    assert errors(paired) == [0] * len(numbers)
    assert_is_a_stream(paired)


def test_a_call_that_begins_with_a_burst_is_paired_with_slots_that_were_sent() -> None:
    """A line that had not begun is not silent any more with its first frame."""
    numbers = list(range(7, 60))
    times = even(60)
    times[7:10] = times[9]
    paired = [one for one in pair(times[numbers], numbers) if one.number >= 0]
    assert [one.slot for one in paired[:3]] == [9, 9, 9]
    assert errors(paired)[3:] == [0] * 50
    assert_is_a_stream(paired)


@example([136.0, 0.0, 131.0, 0.0], [False] * 250, 0.0)  # a slot that was not sent yet is left out
@example([156.0, 0.0, 151.0, 143.0], [False] * 250, 0.0)  # a slot of the future
@example([0.0, 216.0, 0.0, 0.0, 191.0, 0.0], [True, True, *[False] * 248], 0.0)
@example([0.0, 216.0, *[0.0] * 2, 191.0, *[0.0] * 4, 103.0], [True, True, *[False] * 248], 0.0)
@given(
    st.lists(st.floats(0.0, 400.0), min_size=1, max_size=250),
    st.lists(st.booleans(), min_size=250, max_size=250),
    st.sampled_from(PHASES_MS),
)
def test_whatever_comes_is_paired_once_and_with_a_stream_of_slots(
    delays_ms: list[float], lost: list[bool], phase_ms: float
) -> None:
    """Every frame but a last one that waits is paired, in order, and no slot is of the future."""
    numbers = [n for n in range(len(delays_ms)) if not lost[n]] or [0]
    times = late_by(np.array(delays_ms))[numbers]
    paired = pair(times, numbers, phase_ms=phase_ms)
    of_frames = [one for one in paired if one.number >= 0]
    assert [one.number for one in of_frames] in (numbers, numbers[:-1])
    for one in of_frames:
        came_ms = times[numbers.index(one.number)]
        assert one.slot is None or 20.0 * one.slot - phase_ms <= came_ms
    assert_is_a_stream(paired)
