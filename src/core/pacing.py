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

Invariant: an inbound frame of 20 ms moves the deadlines by 0.1 ms at most, and no more slots are
ever due at once than the bound says, three by default.
"""

from __future__ import annotations

__all__ = ["SlotPacer"]

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


class SlotPacer:
    """Tells how many slots are due.

    Args:
        start_ms: When the first slot is due, on the clock of every ``now_ms`` below.
        max_catch_up_slots: Late slots that are made good after a stall of our own, on top of the
            one that is due by now. The line has played silence meanwhile: a second of frames at
            once would only fill its buffer and delay everything after. The rest is skipped.

    Raises:
        ValueError: if ``max_catch_up_slots`` is negative.
    """

    __slots__ = (
        "_deadline_ms",
        "_expected_ms",
        "_is_distance_known",
        "_max_slots",
        "_nudge_ms",
        "_offsets_ms",
        "_skipped_slots",
    )

    def __init__(self, start_ms: float, *, max_catch_up_slots: int = 2) -> None:
        if max_catch_up_slots < 0:
            raise ValueError(f"max_catch_up_slots: {max_catch_up_slots} is not 0 or more")
        self._deadline_ms = start_ms
        self._max_slots = 1 + max_catch_up_slots
        self._skipped_slots = 0
        self._expected_ms: float | None = None
        self._is_distance_known = False
        self._offsets_ms: list[float] = []
        self._nudge_ms = 0.0

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

    def on_inbound(self, now_ms: float, audio_ms: float = FRAME_MS) -> None:
        """Take that the line delivered a frame, 20 ms unless said otherwise; 0 ms are no frame."""
        if audio_ms <= 0:
            return
        if self._expected_ms is None:
            self._expected_ms = now_ms
        offset_ms = now_ms - self._expected_ms
        if abs(offset_ms) > _WINDOW_MS:
            slipped_ms = round(offset_ms / audio_ms) * audio_ms
            self._expected_ms += slipped_ms
            offset_ms -= slipped_ms
            self._offsets_ms.clear()
            self._nudge_ms = 0.0
        self._offsets_ms.append(offset_ms)
        self._expected_ms += audio_ms + self._nudge_ms
        self._deadline_ms += self._nudge_ms
        if len(self._offsets_ms) == _BLOCK_FRAMES:
            self._expected_ms += self._end_block(audio_ms)

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
