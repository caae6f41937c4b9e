"""How a call's captured stream stands against time: holes in it, bursts after them, nothing at all.

A line has no clock of its own: it may deliver late, in bursts, or nothing while the caller is
silent (DTX). Whether a hole was silence or a stall shows only in what follows: in step with time,
or faster. Invariant: the silence that fills a hole is counted once, however often it is asked for.
"""

from __future__ import annotations

__all__ = ["LineClock"]

from .audio import FRAME_MS

_GAP_RECOVERY_SLOTS = range(2, 7)
"""Missing slots that are taken for a gap in the stream; fewer are jitter, more are DTX."""

_MAX_FILL_SLOTS = 500
"""Slots that are owed at most, 10 s; a process that slept longer than that has no call left to keep
alive."""

_MAX_SLOTS_AT_ONCE = 10
"""Slots filled in one go, the rest in the next ones: each may let two far-end slots pass through
the echo filter (80 us each), and the loop is not to be held for 2 ms."""

_BURST_RATIO = 0.75
"""A chunk that comes after less than this part of its own duration comes faster than real time."""


class LineClock:
    """The arrival of one call's audio.

    Args:
        start_ms: When the call began.
        idle_after_ms: Time without a frame from which the line is idle.
    """

    __slots__ = (
        "_behind_ms",
        "_due_ms",
        "_filled_slots",
        "_last_ms",
        "has_audio",
        "idle_after_ms",
        "stale_ms",
    )

    def __init__(self, start_ms: float, idle_after_ms: float) -> None:
        self.stale_ms = 0.0
        """How long ago the last chunk was captured, as far as it can be known; 0 if in time."""
        self.has_audio = False
        """Any audio has arrived, or a hole was filled."""
        self.idle_after_ms = idle_after_ms
        """Time without a frame from which the line is idle."""
        self._last_ms = start_ms
        self._due_ms = start_ms
        """When the last slot has passed for which the line has delivered, if chunks come evenly."""
        self._behind_ms = 0.0
        self._filled_slots = 0

    @property
    def last_ms(self) -> float:
        """When the last chunk arrived, or the call began."""
        return self._last_ms

    def receive(self, now_ms: float, duration_ms: float, captured_ms: float | None = None) -> None:
        """Take note of a chunk, and of when it was captured where the line says so.

        Without that, a chunk that follows a hole is taken for live, since after DTX it is. If the
        next ones come faster than real time, the hole was a stall, and they are what was captured
        in it.
        """
        gap_ms = now_ms - self._last_ms
        is_burst = gap_ms < _BURST_RATIO * duration_ms
        behind_ms = self._behind_ms if is_burst else 0.0
        self._behind_ms = max(0.0, behind_ms + gap_ms - duration_ms)
        self.stale_ms = self._behind_ms if is_burst else 0.0
        if captured_ms is not None:
            self.stale_ms = max(0.0, now_ms - captured_ms)
        self.has_audio = True
        self._last_ms = now_ms
        self._due_ms = now_ms + max(0.0, duration_ms - FRAME_MS)
        self._filled_slots = 0

    def slots_to_recover(self, now_ms: float, n_arrived: int) -> int:
        """Return how many slots are missing before a chunk that arrives now, if it is a small gap.

        Args:
            now_ms: Now; to be asked before :meth:`receive`.
            n_arrived: Slots that the chunk itself holds.
        """
        if not self.has_audio:
            return 0
        missing = round((now_ms - self._last_ms) / FRAME_MS) - n_arrived - self._filled_slots
        return missing if missing in _GAP_RECOVERY_SLOTS else 0

    def slots_to_fill(self, now_ms: float, deficit_ms: float) -> int:
        """Return how many slots are to be filled with silence now, and count them as filled.

        At most ten: where more are missing, the next slots make up for them.

        Args:
            now_ms: Now.
            deficit_ms: How far what the provider was sent is behind the line's time. Holes too
                small to be filled each add up in it, and are made up for in the next one.
        """
        idle_ms = now_ms - self._due_ms
        is_idle = idle_ms >= self.idle_after_ms
        missing = int(idle_ms // FRAME_MS) - self._filled_slots if is_idle else 0
        if idle_ms >= FRAME_MS and deficit_ms >= self.idle_after_ms:
            missing = max(missing, int(deficit_ms // FRAME_MS))
        if missing <= 0:
            return 0
        self.has_audio = True
        n_forgotten = max(0, missing - _MAX_FILL_SLOTS)
        n_slots = min(missing, _MAX_SLOTS_AT_ONCE)
        self._filled_slots += n_forgotten + n_slots
        return n_slots
