"""Pairs each captured frame with the far-end slot that was sent when it was captured.

Far-end slots come one each 20 ms from our own pace; captured frames come from the line without a
number: jittered, in bursts after a stall, with holes, or not at all while the caller's phone sends
nothing (DTX). An echo filter takes any constant delay, but a pairing that jumps by a slot is a new
echo path to it. So frames are paired in order, and slots are left out only where frames are known
to be lost:

- A frame that is later than this line's jitter is the next one of a stall, or the first one after a
  hole whose frames never come. Nothing but the frame after it tells which: it comes at once after a
  stall, 20 ms later after a hole. So the late frame waits for it, and both are paired then.
- A frame no later than the line's jitter is paired at once. If ten in a row are late, as many as
  the least late of them is were lost before.
- No frame is early. Where one seems to be, too many were taken for lost, and the pairing goes back.

Slots are kept as long as a late frame may ask for them or the filter's span reaches back to them.
Invariant: on a line that loses no frame, the n-th capture is paired with the n-th slot, however
late it comes; on one that loses frames and brings the others in time, each capture is paired with
the slot that was sent a frame's duration before it came.
"""

from __future__ import annotations

__all__ = ["Pairing", "ReferenceTimeline"]

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from ..audio import FRAME_MS

_SPAN_SLOTS = 45
"""Slots that the echo filter looks back on: 900 ms."""

_MAX_WAITING_SLOTS = 500
"""Slots that may wait for their captures: 10 s, the longest stall whose burst a line delivers."""

_BURST_MS = 12.0
"""A frame that follows another within this shows that the other was late: a little more than half a
frame, as a stall may be worked off twice as fast as real time."""

_LATE_MS = 15.0
"""Delay from which a frame counts as a slot late; less is jitter that moves nothing. On lines that
were measured frames are within 15 ms."""

_MAX_JITTER_SLOTS = 4
"""80 ms: what comes later than that is a stall or follows a hole."""

_MAX_JITTER_FRAMES = 8
"""Late frames in a row that may be jitter."""

_MAX_LOST_SLOTS = 5
"""Frames that may be lost in a row on a usable line, 100 ms; where more are, it is silent (DTX)."""

_MAX_STALL_SLOTS = 100
"""2 s: a line on which nothing comes for longer is taken for silent, stalled as it may be."""

_MAX_PASSED_SLOTS = 2
"""Slots that pass at once, so that what is owed is paid off little by little."""

_MEMORY_FRAMES = 250
"""Frames (5 s) in which a line is as even as it can be, until it is expected to be a little so."""

_UNDO_FRAMES = 50
"""Frames (a second) in which an early one shows that the slots left out last were not lost."""

_EARLY_MS = 5.0
"""Time by which a slot may be over later than its frame comes: our own slots may be late by it."""

_UNDO_MS = 10.0
"""Time by which a frame comes before those in time that shows the same: half a slot."""

_TOLERANCE_MS = 1.0
"""What rounding may make of a delay."""

_IN_TIME_FRAMES = 50
"""Frames (a second) the earliest of which is in time, if none of the second before was earlier."""

Frame = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Pairing:
    """The slot of one captured frame."""

    passed: Sequence[Frame]
    """Slots without a capture that passed since the last pairing, oldest first, as far as their
    echo may still come. Where the pairing went back, all slots that may still echo."""
    far_end: Frame
    """The slot of the frame; silence if it is not known."""


class _LineHabit:
    """How even a line's frames come, when none is lost."""

    __slots__ = (
        "_block_frames",
        "_block_ms",
        "_even_frames",
        "_late_slots",
        "in_time_ms",
        "jitter_frames",
        "jitter_slots",
    )

    def __init__(self, delay_ms: float) -> None:
        self.in_time_ms = delay_ms
        """Delay of the earliest frames of the last one or two seconds."""
        self.jitter_slots = 0
        """By how many slots frames come late."""
        self.jitter_frames = 0
        """How many of them in a row come late by a slot."""
        self._block_ms = delay_ms
        self._block_frames = 0
        self._late_slots = 0
        """By how many slots the last frame was late that was not close behind another."""
        self._even_frames = 0

    def slots_late(self, delay_ms: float) -> int:
        """Return by how many slots a frame is late, 0 or more."""
        late_ms = delay_ms - self.in_time_ms
        return max(0, int((late_ms + FRAME_MS - _LATE_MS) // FRAME_MS))

    def observe(self, late_slots: int, *, is_burst: bool) -> None:
        """Take by how many slots a frame was late, and whether it was close behind another."""
        self._even_frames += 1
        if not is_burst:
            self._late_slots = late_slots
        elif self.jitter_slots <= self._late_slots <= _MAX_JITTER_SLOTS:
            self.jitter_slots = self._late_slots
            self._even_frames = 0
        if self._even_frames >= _MEMORY_FRAMES:
            self.jitter_slots = max(0, self.jitter_slots - 1)
            self.jitter_frames = max(0, self.jitter_frames - 1)
            self._even_frames = 0

    def excuse(self, n_frames: int) -> None:
        """Take that so many frames in a row were late by a slot without one being lost."""
        self.jitter_frames = min(max(self.jitter_frames, n_frames), _MAX_JITTER_FRAMES)

    def settle(self, delay_ms: float) -> None:
        """Take the delay that a frame had by the slot that it was paired with."""
        self._block_ms = min(self._block_ms, delay_ms)
        self.in_time_ms = min(self.in_time_ms, delay_ms)
        self._block_frames += 1
        if self._block_frames == _IN_TIME_FRAMES:
            self.start(self._block_ms)
            self._block_ms = math.inf

    def start(self, in_time_ms: float) -> None:
        """Reckon from here: frames in time have this delay."""
        self.in_time_ms = self._block_ms = in_time_ms
        self._block_frames = 0


class ReferenceTimeline:
    """The far-end slots of one call, and the place of each captured frame among them.

    Args:
        frame_samples: Samples of a slot.
    """

    __slots__ = (
        "_arrived_ms",
        "_falls_silent",
        "_first",
        "_habit",
        "_head",
        "_last",
        "_late_frames",
        "_least_late_slots",
        "_passed_slots",
        "_pushed_ms",
        "_returned_slots",
        "_silence",
        "_slots",
        "_undo_frames",
        "_undo_late_frames",
        "_undo_slots",
        "_waiting_slots",
    )

    def __init__(self, frame_samples: int = 160) -> None:
        self._silence = np.zeros(frame_samples, np.int16)
        self._slots: deque[Frame] = deque()
        self._late_frames = self._least_late_slots = 0
        """Late frames in a row, and by how much the least of them."""
        self.reset()

    def reset(self) -> None:
        """Forget all slots and what is known of the line."""
        self._slots.clear()
        self._first = self._head = 0  # the oldest slot kept, and the next to come
        self._last = -1  # the slot that was paired last
        self._habit: _LineHabit | None = None  # before the first frame
        self._waiting_slots: int | None = None  # by which the frame that waits is late
        self._passed_slots = 0  # since the last frame
        self._falls_silent = False  # the last hole was one in which the line had nothing to send
        self._pushed_ms = self._arrived_ms = -math.inf
        self._forget_late()
        # Slots left out last, after so many late frames; those given back since; and frames that
        # may bring back the rest.
        self._undo_slots = self._undo_late_frames = self._returned_slots = self._undo_frames = 0

    def push(self, far_end: Frame, now_ms: float) -> None:
        """Take the next slot: int16 [shape=(frame_samples,), mono]."""
        self._slots.append(far_end)
        self._head += 1
        self._pushed_ms = now_ms
        self._forget_before(self._head - _MAX_WAITING_SLOTS - _SPAN_SLOTS)

    def take(self, now_ms: float) -> tuple[Pairing, ...]:
        """Take the next captured frame, and return the pairings that it settles, in order.

        Args:
            now_ms: When the frame came.

        Returns:
            The pairing of this frame; none if it waits for the next one; then, with that, two.
        """
        is_burst = now_ms - self._arrived_ms < _BURST_MS
        self._arrived_ms = now_ms
        if self._habit is None:
            return (self._begin(now_ms),)
        settled: tuple[Pairing, ...] = ()
        if self._waiting_slots is not None:
            settled = (self._settle(self._waiting_slots, is_burst=is_burst),)
            self._waiting_slots = None
        delay_ms = self._delay_ms(now_ms)
        late_slots = self._habit.slots_late(delay_ms)
        self._habit.observe(late_slots, is_burst=is_burst)
        if self._passed_slots:
            shift = self._leave_out(late_slots)
        elif late_slots <= self._habit.jitter_slots:
            shift = self._shift(delay_ms, self._habit, is_burst=is_burst)
        elif is_burst:
            self._forget_late()
            return (*settled, self._pair(0))
        else:
            self._waiting_slots = late_slots
            return settled
        self._habit.settle(delay_ms - shift * FRAME_MS)
        return (*settled, self._pair(shift))

    def pass_slots(self) -> tuple[Frame, ...]:
        """Return the slots, oldest first, that pass without a frame as far as is known by now.

        At most two, once a slot for which nothing comes. There are none while the line may be
        stalled. One that is silent at times, and stalls all the same, is found out by what comes.
        """
        n_over = self._head - 2 - self._last - _MAX_LOST_SLOTS
        is_silent = self._falls_silent or self._habit is None or self._passed_slots > 0
        if self._waiting_slots is not None or not (is_silent or n_over > _MAX_STALL_SLOTS):
            return ()
        at = self._last + 1 - self._first
        passed = tuple(islice(self._slots, max(0, at), max(0, at + min(n_over, _MAX_PASSED_SLOTS))))
        self._last += len(passed)
        self._passed_slots += len(passed)
        return passed

    # -- private steps -----------------------------------------------------------------------------

    def _begin(self, now_ms: float) -> Pairing:
        """Pair the first frame with the newest slot that was over when it came."""
        delay_ms = now_ms - self._pushed_ms - FRAME_MS
        shift = min(0, math.floor((delay_ms + _EARLY_MS - _TOLERANCE_MS) / FRAME_MS))
        self._habit = _LineHabit(delay_ms - shift * FRAME_MS)
        self._passed_slots = 0  # what passed before is no hole that the next frame might follow
        return self._pair(self._head - 2 - self._last + shift)

    def _settle(self, late_slots: int, *, is_burst: bool) -> Pairing:
        """Pair the frame that waited: with the next slot if it was late, else with its own."""
        if late_slots > _MAX_LOST_SLOTS:
            self._falls_silent = not is_burst
        return self._pair(0 if is_burst else self._leave_out(late_slots))

    def _delay_ms(self, now_ms: float) -> float:
        """Return how late a frame comes if none was lost before it; 0: its slot is just over."""
        n_newer = self._head - 2 - self._last
        return (n_newer - 1) * FRAME_MS + (now_ms - self._pushed_ms)

    def _shift(self, delay_ms: float, habit: _LineHabit, *, is_burst: bool) -> int:
        """Return by how many slots the pairing moves with a frame; below 0 it goes back."""
        late_ms = delay_ms - habit.in_time_ms
        self._undo_frames = max(0, self._undo_frames - 1)
        if self._undo_frames and self._undo_slots > 0 and late_ms <= -_UNDO_MS:
            habit.excuse(self._undo_late_frames)
            return -self._give_back(max(1, round(-late_ms / FRAME_MS)), is_burst=is_burst)
        if delay_ms < -_EARLY_MS:
            return self._follow_clock(math.floor(delay_ms / FRAME_MS), delay_ms, habit)
        n_lost = self._count_lost(late_ms, habit, is_burst=is_burst)
        if n_lost:
            return self._leave_out(n_lost)
        return self._follow_clock(int(habit.in_time_ms >= FRAME_MS), habit.in_time_ms, habit)

    def _give_back(self, early_slots: int, *, is_burst: bool) -> int:
        """Return how many slots were left out too many: all of them, if it was in a stall."""
        self._returned_slots += early_slots
        is_jitter = self._falls_silent and self._returned_slots <= _MAX_JITTER_SLOTS
        if is_burst and not is_jitter and self._undo_slots > early_slots:
            early_slots = self._undo_slots
            self._falls_silent = False
        self._undo_slots -= early_slots
        self._forget_late()
        return early_slots

    def _follow_clock(self, shift: int, in_time_ms: float, habit: _LineHabit) -> int:
        """Move for good: the frames in time are so late, and the line's clock runs apart."""
        if shift:
            habit.start(in_time_ms - shift * FRAME_MS)
            self._forget_late()
        return shift

    def _count_lost(self, late_ms: float, habit: _LineHabit, *, is_burst: bool) -> int:
        """Return how many frames were lost, as far as more are late in a row than by jitter."""
        late_slots = int((late_ms + _TOLERANCE_MS) // FRAME_MS)
        if late_slots <= 0:
            habit.excuse(self._late_frames)
            self._forget_late()
        elif not is_burst:
            self._late_frames += 1
            self._least_late_slots = min(self._least_late_slots, late_slots)
            if self._late_frames > habit.jitter_frames + 1:
                return self._least_late_slots
        return 0

    def _forget_late(self) -> None:
        self._late_frames = 0
        self._least_late_slots = _MAX_WAITING_SLOTS

    def _leave_out(self, n_slots: int) -> int:
        """Take so many frames for lost, until an early one shows that they were not."""
        self._undo_slots, self._undo_frames = self._passed_slots + n_slots, _UNDO_FRAMES
        self._passed_slots = self._returned_slots = 0
        self._undo_late_frames = self._late_frames
        self._forget_late()
        return n_slots

    def _pair(self, shift: int) -> Pairing:
        """Pair a frame with the slot after the last, or with one so much newer or older."""
        number = self._last + 1 + shift
        oldest = number - _SPAN_SLOTS
        passed_from = oldest if shift < 0 else max(oldest, self._last + 1)
        self._last = number
        undo_slots = self._undo_slots if self._undo_frames else 0
        self._forget_before(min(number, self._head) - undo_slots - _SPAN_SLOTS)
        at = number - self._first
        far_end = self._slots[at] if 0 <= at < len(self._slots) else self._silence
        passed: tuple[Frame, ...] = ()
        if passed_from < number:
            passed = tuple(islice(self._slots, max(0, passed_from - self._first), max(0, at)))
        return Pairing(passed, far_end)

    def _forget_before(self, number: int) -> None:
        while self._first < number:
            self._slots.popleft()
            self._first += 1
