"""When the 20 ms slots of the playout timeline are due: at real time, by the line's own clock.

Nothing paces for us, so slots run against deadlines of our monotonic clock. A line's clock differs
from it by up to some hundred ppm, 60 ms in ten minutes at 100 ppm, which would fill or starve the
line's buffer. While inbound frames flow at about real time they show the line's clock, and the
deadlines are nudged to keep their distance from them; when frames stop, slots go on by themselves.

Inbound frames are jittered, lost, bunched and silent for seconds. So each arrival is compared with
the place where the frames before it put it, and the median of half a second corrects a part of the
difference. What can't be jitter is not followed: an arrival more than 50 ms off is a gap or a burst
and begins a new half second, and an offset of about a whole frame is a lost frame, not a slower
clock. The distance between slots and inbound frames is kept modulo one frame all along, so that
neither gaps nor losses add up.

Where a slot is to be played in step with the frame that comes at its time, to save being woken for
it, that distance is chosen: deadlines are 4 ms before the place of a frame, and a slot waits for
its frame for 8 ms at most. It takes one delay of less than a slot, once the line has shown its
rhythm, and the usual corrections from then on. A line that loses its rhythm, or delivers several
frames at once, is waited for no more: its slots are played when they are due.

Invariant: that delay aside, an inbound frame of 20 ms moves the deadlines by 0.1 ms at most, and
no more slots are ever due at once than the bound says, three by default.
"""

from __future__ import annotations

__all__ = ["SlotPacer"]

import math
from statistics import median

from .audio import FRAME_MS

_WINDOW_MS = 50.0
"""An arrival further off than this is not jitter; on lines that were measured it is within 15."""

_BLOCK_FRAMES = 25
"""Arrivals whose median offset is followed: half a second. The median of 15 ms of uniform jitter is
then 2 ms rms, and a lost frame makes it wrong by nothing, or in either direction alike."""

_CORRECTED_RATIO = 0.2
"""Part of the median that is corrected over the next block: the jitter above becomes 0.6 ms rms in
our slots, and a drift of 200 ppm is followed 0.5 ms behind."""

_MAX_NUDGE_MS = _CORRECTED_RATIO * FRAME_MS / 2 / _BLOCK_FRAMES
"""What a frame may move the deadlines by."""

_AHEAD_MS = 4.0
"""Time from a deadline to the place of its frame: frames that come earlier than at their place by
no more than that, and a little, still play the slot."""

_EARLIEST_STEP_MS, _LATEST_STEP_MS = 3.0, 5.0
"""Where the place of a frame is let alone, after the deadline."""

_LONGEST_WAIT_MS = 8.0
"""How long a slot that is due may wait for its frame."""

_LEAST_SINCE_MS = FRAME_MS / 2
_MOST_SINCE_MS = FRAME_MS + _LONGEST_WAIT_MS
"""How long before a deadline the last frame came, where the next one is that slot's own. Sooner,
and this slot's frame was there before its time; longer, and the line has stopped."""

_RHYTHM_FRAMES = 4
"""Frames in a row that show a rhythm at first: they come within 3 ms of each other's places."""
_RHYTHM_MS = 3.0

_STEADY_MS = _LONGEST_WAIT_MS / 2
"""How far off its place a frame may come: further, and its slot would not have waited for it."""

_STEADY_FRAMES = 10
"""Frames in a row that come at their places, after one that did not, before one is waited for."""


class SlotPacer:
    """Tells how many slots are due.

    Args:
        start_ms: When the first slot is due, on the clock of every ``now_ms`` below.
        max_catch_up_slots: Late slots that are made good after a stall of our own, on top of the
            one that is due by now. The line has played silence meanwhile: a second of frames at
            once would only fill its buffer and delay everything after. The rest is skipped.
        in_step: Slots are played as frames come, where these have a rhythm.

    Raises:
        ValueError: if ``max_catch_up_slots`` is negative.
    """

    __slots__ = (
        "_deadline_ms",
        "_expected_ms",
        "_is_distance_known",
        "_is_in_step",
        "_is_step_begun",
        "_last_ms",
        "_max_slots",
        "_n_steady",
        "_nudge_ms",
        "_offsets_ms",
        "_skipped_slots",
        "_step_nudge_ms",
    )

    def __init__(
        self, start_ms: float, *, max_catch_up_slots: int = 2, in_step: bool = False
    ) -> None:
        if max_catch_up_slots < 0:
            raise ValueError(f"max_catch_up_slots: {max_catch_up_slots} is not 0 or more")
        self._deadline_ms = start_ms
        self._max_slots = 1 + max_catch_up_slots
        self._skipped_slots = 0
        self._expected_ms: float | None = None
        self._is_distance_known = False
        self._offsets_ms: list[float] = []
        self._nudge_ms = 0.0
        self._is_in_step = in_step
        self._is_step_begun = False
        self._last_ms = -math.inf
        """When the last frame came."""
        self._n_steady = 0
        """Frames in a row that have come at their places."""
        self._step_nudge_ms = 0.0

    @property
    def next_wake_ms(self) -> float:
        """When to play the next slot if no frame comes before.

        Later than it is due by a few ms where one is on its way.
        """
        if self._n_steady < _STEADY_FRAMES:
            return self._deadline_ms
        since_ms = self._deadline_ms - self._last_ms
        is_awaited = _LEAST_SINCE_MS <= since_ms <= _MOST_SINCE_MS
        return self._deadline_ms + (_LONGEST_WAIT_MS if is_awaited else 0.0)

    @property
    def next_deadline_ms(self) -> float:
        """When the next slot is due."""
        return self._deadline_ms

    @property
    def skipped_slots(self) -> int:
        """Slots that were never sent, because our own loop stalled."""
        return self._skipped_slots

    def is_due(self, now_ms: float) -> bool:
        """Tell whether a slot is due; takes nothing."""
        return now_ms >= self._deadline_ms

    def slots_due(self, now_ms: float) -> int:
        """Take the slots that are due and return how many to send now: 0, 1 or a few late ones.

        Those that were due so long ago that they are more than the bound are taken as well, and
        counted as skipped, so that the next slot is due in less than 20 ms.
        """
        if now_ms < self._deadline_ms:
            return 0
        n_slots = int((now_ms - self._deadline_ms) // FRAME_MS) + 1
        self._deadline_ms += n_slots * FRAME_MS
        n_sent = min(n_slots, self._max_slots)
        self._skipped_slots += n_slots - n_sent
        return n_sent

    def on_inbound(
        self, now_ms: float, audio_ms: float = FRAME_MS, *, came_ms: float | None = None
    ) -> None:
        """Take that the line delivered a frame.

        Args:
            now_ms: When, or where the line says that it lies.
            audio_ms: Its length; 0 is no frame.
            came_ms: When, if ``now_ms`` is where it lies: no slot waits for one that is late.
        """
        if audio_ms <= 0:
            return
        came_ms = now_ms if came_ms is None else came_ms
        if self._expected_ms is None:
            self._expected_ms = now_ms
        offset_ms = now_ms - self._expected_ms
        if abs(offset_ms) > _WINDOW_MS:
            slipped_ms = round(offset_ms / audio_ms) * audio_ms
            self._expected_ms += slipped_ms
            offset_ms -= slipped_ms
            self._offsets_ms.clear()
            self._nudge_ms = self._step_nudge_ms = 0.0
        self._offsets_ms.append(offset_ms)
        self._expected_ms += audio_ms + self._nudge_ms
        self._deadline_ms += self._nudge_ms + self._step_nudge_ms
        if len(self._offsets_ms) == _BLOCK_FRAMES:
            self._expected_ms += self._end_block(audio_ms)
            if self._is_step_begun:
                self._keep_step(self._expected_ms)
        elif self._is_in_step and not self._is_step_begun:
            self._begin_step(self._expected_ms, audio_ms)
        if self._is_step_begun:
            self._watch_rhythm(came_ms, audio_ms)
        self._last_ms = came_ms

    def _end_block(self, audio_ms: float) -> float:
        """Set the nudges of the next block; return how much later frames are to be expected."""
        offset_ms = median(self._offsets_ms)
        self._offsets_ms.clear()
        if not self._is_distance_known:
            self._is_distance_known = True
            return offset_ms
        slipped_ms = round(offset_ms / audio_ms) * audio_ms
        self._nudge_ms = (offset_ms - slipped_ms) * _CORRECTED_RATIO / _BLOCK_FRAMES
        return slipped_ms

    def _begin_step(self, expected_ms: float, audio_ms: float) -> None:
        """Put off the next slot, once, so that it is due shortly before a frame comes."""
        latest = self._offsets_ms[-_RHYTHM_FRAMES:]
        is_rhythm = len(latest) == _RHYTHM_FRAMES and max(latest) - min(latest) <= _RHYTHM_MS
        if not is_rhythm or audio_ms != FRAME_MS:
            return
        self._is_step_begun = True
        self._n_steady = _STEADY_FRAMES
        place_ms = expected_ms if self._is_distance_known else expected_ms + median(latest)
        if not _is_in_step(place_ms - self._deadline_ms):
            self._deadline_ms += (place_ms - _AHEAD_MS - self._deadline_ms) % FRAME_MS

    def _keep_step(self, expected_ms: float) -> None:
        """Set what brings the next block's deadlines back to where frames come."""
        ahead_ms = _within_a_slot(expected_ms - self._deadline_ms)
        error_ms = 0.0 if _is_in_step(ahead_ms) else ahead_ms - _AHEAD_MS
        nudge_ms = self._nudge_ms + error_ms * _CORRECTED_RATIO / _BLOCK_FRAMES
        nudge_ms = min(max(nudge_ms, -_MAX_NUDGE_MS), _MAX_NUDGE_MS)
        self._step_nudge_ms = nudge_ms - self._nudge_ms

    def _watch_rhythm(self, now_ms: float, audio_ms: float) -> None:
        """Count a frame that has come at its place; one that has not begins the count anew.

        Lost frames are none of them, as those after them come at their places; and of those that
        come at once, only the first may be.
        """
        off_ms = _within_a_slot(now_ms - self._deadline_ms - _AHEAD_MS)
        is_steady = (
            abs(off_ms) <= _STEADY_MS
            and now_ms - self._last_ms >= _LEAST_SINCE_MS
            and audio_ms == FRAME_MS
        )
        self._n_steady = self._n_steady + 1 if is_steady else 0


def _is_in_step(ahead_ms: float) -> bool:
    """Tell whether a frame that comes so long after a deadline comes in step with it."""
    return _EARLIEST_STEP_MS <= ahead_ms % FRAME_MS <= _LATEST_STEP_MS


def _within_a_slot(distance_ms: float) -> float:
    """Return a distance as it is to the nearest slot, from half a slot before to half after."""
    return (distance_ms + FRAME_MS / 2) % FRAME_MS - FRAME_MS / 2
